/* SPDX-License-Identifier: MIT */
/*
 * Tests of master/worker_exit.c: whatever dies and in whatever order, every connection that was
 * accepted is open or has ended. The keepers and workers here are processes that only wait.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/sys.h"
#include "config/signals.h"
#include "master/member.h"
#include "master/worker_exit.h"
#include "stats/tally.h"
#include "unit/crew.h"

enum { ACCEPTED = 2, LATER_MS = RESPAWN_MOST_MS };

static struct procs *roster;
static struct generation *generation;
static struct member *member;
static struct slot *slot;
static int64_t now_ms;

/* A child that SIGUSR1 or a keeper's farewell ends with 0, and nothing else but SIGKILL. */
static pid_t fork_waiter(void)
{
	sigset_t all, heard;
	int number;
	pid_t pid = sys_fork();

	if (pid != 0)
		return pid;
	sigfillset(&all);
	sys_sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&heard);
	sigaddset(&heard, SIGUSR1);
	sigaddset(&heard, SIGNAL_KEEPER_LEAVE);
	sigwait(&heard, &number);
	_exit(0);
}

static pid_t spawn_keeper(struct procs *of, struct generation *in, unsigned number)
{
	(void)of;
	(void)in;
	(void)number;
	return fork_waiter();
}

static int set_up(void **state)
{
	sigset_t all;
	struct err err;

	/*
	 * a child has its mother's mask until it sets its own; and thousands of deaths are no news
	 */
	sigfillset(&all);
	if (crew_make(state) != 0 || sys_sigprocmask(SIG_SETMASK, &all, NULL) < 0 ||
	    !log_open("/dev/null", LEVEL_ERROR, LOG_TEXT, (uid_t)-1, &err))
		return -1;
	roster = *state;
	roster->spawn = spawn_keeper;
	roster->page = pidpage_new();
	generation = crew_generation(NULL, 1);
	generation->conf->keep_connections = true;
	now_ms = CREW_NOW;
	if (!roster->page || !procs_begin(roster, generation, now_ms, &err))
		return -1;
	procs_promote(roster);
	member = &generation->members[0];
	slot = &generation->slots[0];
	return 0;
}

static void kill_and_await(pid_t pid)
{
	if (pid <= 0)
		return;
	assert_int_equal(sys_kill(pid, SIGKILL), 0);
	crew_await_death(pid);
}

static int tear_down(void **state)
{
	struct pidpage *page = roster->page;

	kill_and_await(member->pid);
	kill_and_await(member->keeper);
	if (crew_free(state) != 0 || !pidpage_drop(page))
		return -1;
	return 0;
}

/* The keeper clones a worker, which takes over what is there and accepts some more. */
static void clone_worker(void)
{
	struct listener_tally *tally = &slot->tally.listeners[0];

	if (member->keeper == 0 || pidpage_get(roster->page, 0) != 0 ||
	    (member->state != MEMBER_RUNNING && member->state != MEMBER_RETIRING) ||
	    member->wants_worker || member->is_over)
		return;
	roster->page->pids[0] = fork_waiter();
	assert_true(roster->page->pids[0] > 0);
	assert_int_equal(slot->live, member->held);
	cell_add(&tally->connections_accepted_total, ACCEPTED);
	slot->live += ACCEPTED;
	cell_set(&tally->connections_live, slot->live);
	slot->state = SLOT_READY;
	procs_look(roster);
}

static void kill_worker(void)
{
	kill_and_await(member->pid);
	procs_reap(roster, now_ms);
}

static void kill_keeper(void)
{
	kill_and_await(member->keeper);
	procs_reap(roster, now_ms);
}

static void kill_both(void)
{
	kill_and_await(member->pid);
	kill_and_await(member->keeper);
	procs_reap(roster, now_ms);
}

/* It ends all it has and leaves, as at the end of a drain or when a stranger tells it to. */
static void end_worker(void)
{
	if (member->pid == 0)
		return;
	cell_add(&slot->tally.connections_ended_total[CLOSE_drained], slot->live);
	scoreboard_set_live(slot, NULL);
	assert_int_equal(sys_kill(member->pid, SIGUSR1), 0);
	crew_await_death(member->pid);
	procs_reap(roster, now_ms);
}

static void start_due(void)
{
	now_ms += LATER_MS;
	procs_start_due(roster, now_ms);
}

static void retire(void)
{
	if (member->state != MEMBER_EMPTY)
		member_retire(generation, 0, SIGQUIT, INT64_MAX);
}

static const struct {
	char letter;
	void (*act)(void);
} steps[] = {
	{ 'c', clone_worker }, { 'w', kill_worker }, { 'k', kill_keeper }, { 'b', kill_both },
	{ 'e', end_worker },   { 's', start_due },   { 'r', retire },
};
enum { STEPS = sizeof(steps) / sizeof(steps[0]), LONGEST = 4 };

static void assert_all_accounted_for(const char *story)
{
	uint64_t accepted = tally_sum(roster->board, METRIC_connections_accepted_total);
	uint64_t ended = tally_sum(roster->board, METRIC_connections_ended_total);
	uint64_t live = tally_sum(roster->board, METRIC_connections_live);

	if (accepted == ended + live)
		return;
	fail_msg("%s: %ju accepted, %ju ended, %ju live", story, (uintmax_t)accepted,
		 (uintmax_t)ended, (uintmax_t)live);
}

/* Ends whoever is left, and gives the member's place free again. */
static void clear_member(void)
{
	while (member->pid > 0 || member->keeper > 0)
		kill_both();
	retire();
	assert_int_equal(member->state, MEMBER_EMPTY);
}

/* One after the other from a worker that serves on; then everything is killed. */
static void play(unsigned number)
{
	char story[LONGEST + 1] = "";

	member_want(member, 0, now_ms);
	start_due();
	clone_worker();
	assert_int_equal(member->state, MEMBER_RUNNING);
	for (unsigned i = 0; i < LONGEST; i++, number /= STEPS) {
		story[i] = steps[number % STEPS].letter;
		steps[number % STEPS].act();
		assert_all_accounted_for(story);
	}
	clear_member();
	assert_all_accounted_for(story);
	assert_int_equal(tally_sum(roster->board, METRIC_connections_live), 0);
}

static void deaths__in_every_order__lose_no_connection_from_the_count(void **state)
{
	unsigned stories = 1;

	(void)state;
	for (unsigned i = 0; i < LONGEST; i++)
		stories *= STEPS;
	for (unsigned i = 0; i < stories; i++)
		play(i);
	assert_true(tally_sum(roster->board, METRIC_connections_lost_total) > 0);
	assert_int_equal(tally_sum(roster->board, METRIC_connections_lost_total),
			 roster->board->past[0].tally.connections_ended_total[CLOSE_worker_lost]);
}

static void start_serving(void)
{
	member_want(member, 0, now_ms);
	start_due();
	clone_worker();
}

static void keeper__that_dies_before_it_clones__costs_what_it_held(void **state)
{
	(void)state;
	start_serving();
	kill_worker();
	assert_int_equal(member->held, ACCEPTED);
	assert_int_equal(slot->state, SLOT_STARTING);
	assert_int_equal(tally_sum(roster->board, METRIC_connections_live), ACCEPTED);
	start_due();
	kill_keeper();
	assert_int_equal(member->held, 0);
	assert_int_equal(slot->state, SLOT_EMPTY);
	assert_int_equal(slot->live, 0);
	assert_int_equal(tally_sum(roster->board, METRIC_connections_lost_total), ACCEPTED);
	assert_int_equal(roster->board->past[0].tally.connections_ended_total[CLOSE_worker_lost],
			 ACCEPTED);
	clear_member();
}

static void held__by_numbers_that_cannot_be__is_not_believed(void **state)
{
	static const uint64_t rubbish[] = { UINT64_MAX, 1 + (UINT64_MAX >> 1), 10001, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
		start_serving();
		cell_set(&slot->tally.listeners[0].connections_accepted_total, rubbish[i]);
		cell_set(&slot->tally.connections_ended_total[CLOSE_drained],
			 rubbish[i] == 0 ? UINT64_MAX / 2 : 0);
		kill_worker();
		assert_int_equal(member->held, 0);
		assert_int_equal(slot->state, SLOT_EMPTY);
		clear_member();
	}
	assert_int_equal(tally_sum(roster->board, METRIC_connections_lost_total), 0);
}

/* The next one dies at once each time, and accepts nobody. */
static int64_t longest_wait_ms(unsigned deaths)
{
	int64_t longest_ms = 0;

	for (unsigned i = 0; i < deaths; i++) {
		int64_t died_ms;

		start_due();
		roster->page->pids[0] = fork_waiter();
		procs_look(roster);
		died_ms = now_ms;
		kill_worker();
		if (member->due_ms - died_ms > longest_ms)
			longest_ms = member->due_ms - died_ms;
	}
	return longest_ms;
}

static void wait__with_a_keeper_that_holds_nothing__grows_to_the_longest(void **state)
{
	(void)state;
	start_serving();
	end_worker();
	clear_member();
	member_want(member, 0, now_ms);
	assert_int_equal(longest_wait_ms(12), RESPAWN_MOST_MS);
	assert_true(member->keeper > 0);
	clear_member();
}

static void wait__with_a_keeper_that_holds_connections__stays_short(void **state)
{
	(void)state;
	start_serving();
	kill_worker();
	assert_int_equal(longest_wait_ms(12), MEMBER_KEPT_MOST_MS);
	clear_member();
}

/* There is nothing to finish, so nobody waits for a worker that would. */
static void crash__of_a_retiring_worker_with_nothing_held__ends_the_member(void **state)
{
	(void)state;
	start_serving();
	cell_add(&slot->tally.connections_ended_total[CLOSE_drained], ACCEPTED);
	retire();
	kill_worker();
	assert_true(member->state == MEMBER_EMPTY || member->is_over);
	assert_false(member_wants_worker(member));
	clear_member();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(deaths__in_every_order__lose_no_connection_from_the_count),
		CASE(keeper__that_dies_before_it_clones__costs_what_it_held),
		CASE(held__by_numbers_that_cannot_be__is_not_believed),
		CASE(wait__with_a_keeper_that_holds_nothing__grows_to_the_longest),
		CASE(wait__with_a_keeper_that_holds_connections__stays_short),
		CASE(crash__of_a_retiring_worker_with_nothing_held__ends_the_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
