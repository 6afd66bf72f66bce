/* SPDX-License-Identifier: MIT */
/*
 * Tests of master/worker_exit.c: after any deaths in any order, every connection that was accepted
 * is open or has ended. The keepers and workers here are processes that only wait.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "master/worker_exit.h"
#include "stats/tally.h"
#include "unit/kept.h"
#include "worker/door/arrival.h"

/*
 * The worker ends all its connections and leaves, as after a drain or when another process tells it
 * to.
 */
static void end_worker(void)
{
	if (kept.member->pid == 0)
		return;
	kept_drain();
	kept_exit_worker(0);
}

static void clone_ready(void)
{
	if (kept.member->pid > 0)
		return;
	kept_clone();
	if (kept.member->pid > 0)
		kept_report_ready();
}

/* A new worker takes over connections of others, and hands one to them. */
static void clone_and_move(void)
{
	if (kept.member->pid > 0)
		return;
	clone_ready();
	if (kept.member->pid > 0)
		kept_move(3, 1);
}

static void retire(void)
{
	member_retire(kept.member, SIGQUIT, INT64_MAX);
}

static const struct {
	char letter;
	void (*act)(void);
} steps[] = {
	{ 'c', clone_and_move }, { 'w', kept_kill_worker }, { 'k', kept_kill_keeper },
	{ 'b', kept_kill_both }, { 'e', end_worker },       { 's', kept_start },
	{ 'r', retire },
};
enum { STEPS = sizeof(steps) / sizeof(steps[0]), LONGEST = 4 };

static void assert_all_accounted_for(const char *story)
{
	uint64_t accepted = tally_sum(kept.procs->board, METRIC_connections_accepted_total);
	uint64_t came = tally_sum(kept.procs->board, METRIC_connections_moved_in_total);
	uint64_t went = tally_sum(kept.procs->board, METRIC_connections_moved_out_total);
	uint64_t ended = tally_sum(kept.procs->board, METRIC_connections_ended_total);
	uint64_t live = tally_sum(kept.procs->board, METRIC_connections_live);

	if (accepted + came == went + ended + live)
		return;
	fail_msg("%s: %ju accepted, %ju moved in, %ju moved out, %ju ended, %ju live", story,
		 (uintmax_t)accepted, (uintmax_t)came, (uintmax_t)went, (uintmax_t)ended,
		 (uintmax_t)live);
}

/* Plays the steps one after the other on a serving worker; then everything is killed. */
static void play(unsigned number)
{
	char story[LONGEST + 1] = "";

	member_want(kept.member, 0, kept.now_ms);
	kept_start();
	clone_and_move();
	assert_true(member_is_running(kept.member));
	for (unsigned i = 0; i < LONGEST; i++, number /= STEPS) {
		story[i] = steps[number % STEPS].letter;
		steps[number % STEPS].act();
		assert_all_accounted_for(story);
	}
	kept_clear();
	assert_all_accounted_for(story);
	assert_int_equal(tally_sum(kept.procs->board, METRIC_connections_live), 0);
}

static void deaths__in_every_order__lose_no_connection_from_the_count(void **state)
{
	unsigned stories = 1;

	(void)state;
	for (unsigned i = 0; i < LONGEST; i++)
		stories *= STEPS;
	for (unsigned i = 0; i < stories; i++)
		play(i);
	assert_true(tally_sum(kept.procs->board, METRIC_connections_lost_total) > 0);
	assert_int_equal(
		tally_sum(kept.procs->board, METRIC_connections_lost_total),
		kept.procs->board->past[0].tally.connections_ended_total[CLOSE_worker_lost]);
}

static void start_serving(void)
{
	member_want(kept.member, 0, kept.now_ms);
	kept_start();
	clone_ready();
}

static void keeper__that_dies_before_it_clones__costs_what_it_held(void **state)
{
	(void)state;
	start_serving();
	kept_kill_worker();
	assert_int_equal(kept.member->held, KEPT_ACCEPTED);
	assert_int_equal(kept.slot->state, SLOT_STARTING);
	assert_int_equal(tally_sum(kept.procs->board, METRIC_connections_live), KEPT_ACCEPTED);
	kept_start();
	kept_kill_keeper();
	assert_int_equal(kept.member->held, 0);
	assert_int_equal(kept.slot->state, SLOT_EMPTY);
	assert_int_equal(kept.slot->live, 0);
	assert_int_equal(tally_sum(kept.procs->board, METRIC_connections_lost_total),
			 KEPT_ACCEPTED);
	assert_int_equal(
		kept.procs->board->past[0].tally.connections_ended_total[CLOSE_worker_lost],
		KEPT_ACCEPTED);
	kept_clear();
}

static void held__after_moves__counts_those_that_came_and_not_those_that_went(void **state)
{
	(void)state;
	start_serving();
	kept_move(5, 1);
	kept_kill_worker();
	assert_int_equal(kept.member->held, KEPT_ACCEPTED + 4);
	kept_start();
	clone_ready();
	kept_move(0, 2 * KEPT_ACCEPTED + 3);
	kept_kill_worker();
	assert_int_equal(kept.member->held, 1);
	kept_clear();
	assert_int_equal(tally_sum(kept.procs->board, METRIC_connections_lost_total), 1);
}

enum { OTHER = 5, BATCH = 7, MOVED = 1 };

/* What another worker has noted about a batch of some of the connections. */
static _Atomic uint64_t *offer_some(enum door_result result)
{
	struct arena *arena = kept.member->arena;
	_Atomic uint64_t *note = kept.procs->board->slots[OTHER].door_taken;

	note += kept.generation->first_slot;
	arena->head->record_high = MOVED + 1;
	for (uint32_t i = 0; i <= MOVED; i++) {
		arena_record(arena, i)->magic = RECORD_MAGIC;
		arena_record(arena, i)->passage = i < MOVED ? PASSAGE_OFFERED : PASSAGE_NONE;
	}
	arena->head->offered = (struct arena_batch){ BATCH, OTHER, MOVE_reload };
	atomic_store(note, door_note(BATCH, result));
	atomic_store(&kept.slot->door_withdrawn, 0);
	return note;
}

/* Another worker serves them: they are neither lost nor ended. */
static void connections__that_another_worker_had_taken__have_moved(void **state)
{
	const struct worker_tally *past = &kept.procs->board->past[0].tally;

	(void)state;
	start_serving();
	offer_some(DOOR_TAKEN);
	kept_kill_both();
	assert_int_equal(cell_get(&past->connections_lost_total), KEPT_ACCEPTED - MOVED);
	assert_int_equal(cell_get(&past->connections_moved_out_total[MOVE_reload]), MOVED);
	kept_clear();
}

/* They are counted as lost: from then on the other worker does not get them any more. */
static void connections__that_another_worker_is_about_to_take__are_kept_from_it(void **state)
{
	static const enum door_result results[] = { DOOR_BEGUN, DOOR_DECIDING };
	const struct worker_tally *past = &kept.procs->board->past[0].tally;
	_Atomic uint64_t *note;

	(void)state;
	for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++) {
		start_serving();
		note = offer_some(results[i]);
		kept_kill_both();
		assert_int_equal(cell_get(&past->connections_lost_total), (i + 1) * KEPT_ACCEPTED);
		assert_int_equal(cell_get(&past->connections_moved_out_total[MOVE_reload]), 0);
		assert_int_equal(atomic_load(&kept.slot->door_withdrawn), BATCH);
		assert_int_not_equal(atomic_load(note), door_note(BATCH, DOOR_DECIDING));
		kept_clear();
	}
	assert_int_equal(atomic_load(note), door_note(BATCH, DOOR_REFUSED + STAY_unanswered));
}

/* A message of it may still be in a door, and is not one of a stranger. */
static void worker__whose_keeper_dies_later__is_the_last_one_still(void **state)
{
	const struct slot_info *info = kept.generation->infos;
	pid_t pid;

	(void)state;
	start_serving();
	pid = kept.member->pid;
	kept_kill_worker();
	assert_int_equal(info->last_pid, pid);
	kept_kill_keeper();
	assert_int_equal(info->last_pid, pid);
	assert_int_equal(info->pid, 0);
	kept_clear();
}

static void held__by_numbers_that_cannot_be__is_not_believed(void **state)
{
	static const uint64_t rubbish[] = { UINT64_MAX, 1 + (UINT64_MAX >> 1), 10001, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]) * 2; i++) {
		start_serving();
		cell_set(&kept.slot->tally.listeners[0].connections_accepted_total, 0);
		cell_set(i % 2 ? &kept.slot->tally.connections_moved_in_total[MOVE_reload] :
				 &kept.slot->tally.listeners[0].connections_accepted_total,
			 rubbish[i / 2]);
		cell_set(&kept.slot->tally.connections_ended_total[CLOSE_drained],
			 rubbish[i / 2] == 0 ? UINT64_MAX / 2 : 0);
		kept_kill_worker();
		assert_int_equal(kept.member->held, 0);
		assert_int_equal(kept.slot->state, SLOT_EMPTY);
		kept_clear();
	}
	assert_int_equal(tally_sum(kept.procs->board, METRIC_connections_lost_total), 0);
}

/* Each successor dies at once and accepts no connection. */
static int64_t longest_wait_ms(unsigned deaths)
{
	int64_t longest_ms = 0;

	kept.accepts = 0;
	for (unsigned i = 0; i < deaths; i++) {
		int64_t died_ms;

		kept_start();
		kept_clone();
		died_ms = kept.now_ms;
		kept_kill_worker();
		if (kept.member->due_ms - died_ms > longest_ms)
			longest_ms = kept.member->due_ms - died_ms;
	}
	return longest_ms;
}

static void wait__with_a_keeper_that_holds_nothing__grows_to_the_longest(void **state)
{
	(void)state;
	start_serving();
	end_worker();
	kept_clear();
	member_want(kept.member, 0, kept.now_ms);
	assert_int_equal(longest_wait_ms(12), RESPAWN_BACKOFF_MOST_MS);
	assert_true(kept.member->keeper > 0);
	kept_clear();
}

static void wait__with_a_keeper_that_holds_connections__stays_short(void **state)
{
	(void)state;
	start_serving();
	kept_kill_worker();
	assert_int_equal(longest_wait_ms(12), MEMBER_KEPT_MOST_MS);
	kept_clear();
}

/* As after accepted connections: the worker has had clients, whatever they sent. */
static void wait__after_connections_that_moved_in__is_none(void **state)
{
	(void)state;
	start_serving();
	end_worker();
	kept_clear();
	member_want(kept.member, 0, kept.now_ms);
	(void)longest_wait_ms(3);
	kept_start();
	kept_clone();
	kept_move(1, 0);
	kept_kill_worker();
	assert_true(kept.member->due_ms <= kept.now_ms);
	kept_clear();
}

/* There is nothing to finish, so the master waits for no worker. */
static void crash__of_a_retiring_worker_with_nothing_held__ends_the_member(void **state)
{
	(void)state;
	start_serving();
	cell_add(&kept.slot->tally.connections_ended_total[CLOSE_drained], KEPT_ACCEPTED);
	retire();
	kept_kill_worker();
	assert_true(kept.member->state == MEMBER_EMPTY || member_is_ending(kept.member));
	assert_false(member_wants_worker(kept.member));
	kept_clear();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, kept_make, kept_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(deaths__in_every_order__lose_no_connection_from_the_count),
		CASE(keeper__that_dies_before_it_clones__costs_what_it_held),
		CASE(held__after_moves__counts_those_that_came_and_not_those_that_went),
		CASE(connections__that_another_worker_had_taken__have_moved),
		CASE(connections__that_another_worker_is_about_to_take__are_kept_from_it),
		CASE(worker__whose_keeper_dies_later__is_the_last_one_still),
		CASE(held__by_numbers_that_cannot_be__is_not_believed),
		CASE(wait__with_a_keeper_that_holds_nothing__grows_to_the_longest),
		CASE(wait__with_a_keeper_that_holds_connections__stays_short),
		CASE(wait__after_connections_that_moved_in__is_none),
		CASE(crash__of_a_retiring_worker_with_nothing_held__ends_the_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
