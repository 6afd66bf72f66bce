/* SPDX-License-Identifier: MIT */
/* Tests of master/workers.c and master/spawn.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "master/member.h"
#include "stats/tally.h"
#include "unit/crew.h"

static void begin__beside_others__takes_the_first_slots_that_fit(void **state)
{
	struct procs *procs = *state;
	struct generation *first = crew_serve(procs, NULL), *second = crew_begin(procs, NULL);

	assert_int_equal(first->first_slot, 0);
	assert_int_equal(first->capacity, CREW_WORKERS + GENERATION_SPARE);
	assert_int_equal(second->first_slot, first->capacity);
	assert_ptr_equal(second->slots, procs->board->slots + first->capacity);
	assert_true(second->id > first->id);
}

static void begin__without_room__fails_and_changes_nothing(void **state)
{
	struct procs *procs = *state;
	struct generation *more = crew_generation(NULL, CREW_WORKERS);
	struct generation others = { .capacity = SCOREBOARD_SLOTS - more->capacity + 1 };
	struct err err;

	procs->current = &others;
	assert_false(workers_begin(procs, more, CREW_NOW, &err));
	assert_int_equal(err.code, CODE_OSERR);
	assert_null(procs->starting);
	others.capacity--;
	assert_true(workers_begin(procs, more, CREW_NOW, &err));
	assert_int_equal(more->first_slot, others.capacity);
	procs->current = NULL;
}

static void start_due__of_a_new_generation__forks_the_wanted(void **state)
{
	struct procs *procs = *state;
	const struct generation *generation = crew_begin(procs, NULL);

	assert_int_equal(generation_count(generation, member_is_running), CREW_WORKERS);
	assert_int_equal(workers_alive(procs), CREW_WORKERS);
	assert_int_equal(generation->infos[1].pid, generation->members[1].pid);
	assert_int_equal(generation->infos[1].number, 1);
	assert_int_equal(generation->slots[1].heartbeat_ms, CREW_NOW);
	assert_int_equal(generation_count(generation, member_is_ready), 0);
}

static void look__at_a_slot_that_says_ready__counts_it(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_begin(procs, NULL);

	generation->slots[2].state = SLOT_READY;
	generation->slots[0].state = 77;
	workers_look(procs);
	assert_int_equal(generation_count(generation, member_is_ready), 1);
	assert_true(member_is_ready(&generation->members[2]));
}

static void start_due__when_fork_fails_at_the_start__fails_the_generation(void **state)
{
	struct procs *procs = *state;
	const struct generation *generation;

	crew_behaviour = CREW_REFUSE;
	generation = crew_begin(procs, NULL);
	assert_int_equal(generation->failure.code, CODE_OSERR);
	assert_int_equal(workers_alive(procs), 0);
}

static void start_due__when_fork_fails_later__waits_longer_each_time(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);
	struct member *member = &generation->members[0];

	crew_behaviour = CREW_REFUSE;
	crew_kill(procs, member, SIGKILL, CREW_NOW + RESPAWN_BACKOFF_HEALTHY_MS);
	workers_start_due(procs, CREW_NOW + RESPAWN_BACKOFF_HEALTHY_MS);
	assert_int_equal(member->state, MEMBER_BACKOFF);
	assert_int_equal(member->due_ms, CREW_NOW + RESPAWN_BACKOFF_HEALTHY_MS + 100);
	workers_start_due(procs, member->due_ms);
	assert_int_equal(member->due_ms, CREW_NOW + RESPAWN_BACKOFF_HEALTHY_MS + 300);
	crew_behaviour = CREW_STAY;
	workers_start_due(procs, member->due_ms);
	assert_true(member_is_running(member));
}

static void reap__of_a_worker_that_served__replaces_it_at_once(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);
	pid_t before = generation->members[1].pid;

	generation->slots[1].tally.listeners[0].messages_total = 5;
	crew_kill(procs, &generation->members[1], SIGKILL, CREW_NOW + 10);
	assert_int_equal(generation->members[1].due_ms, CREW_NOW + 10);
	assert_int_equal(generation->slots[1].state, SLOT_EMPTY);
	assert_int_equal(tally_sum(procs->board, METRIC_messages_total), 5);
	assert_int_equal(tally_sum(procs->board, METRIC_worker_crashes_total), 1);
	workers_start_due(procs, CREW_NOW + 10);
	assert_true(member_is_running(&generation->members[1]));
	assert_int_not_equal(generation->members[1].pid, before);
	assert_false(member_is_ready(&generation->members[1]));
}

static void reap__of_early_deaths__delays_their_slot_alone(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);
	struct member *member = &generation->members[0];

	crew_kill(procs, member, SIGKILL, CREW_NOW);
	assert_int_equal(member->due_ms, CREW_NOW + 100);
	workers_start_due(procs, CREW_NOW + 99);
	assert_int_equal(member->state, MEMBER_BACKOFF);
	assert_int_equal(workers_due_ms(procs, INT64_MAX), CREW_NOW + 100);
	workers_start_due(procs, CREW_NOW + 100);
	assert_true(member_is_running(member));
	crew_kill(procs, member, SIGKILL, CREW_NOW + 100);
	assert_int_equal(member->due_ms, CREW_NOW + 300);
	crew_kill(procs, &generation->members[1], SIGKILL, CREW_NOW + 100);
	assert_int_equal(generation->members[1].due_ms, CREW_NOW + 200);
}

static void reap__of_exit_0_of_its_own_accord__replaces_it(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);

	crew_kill(procs, &generation->members[0], SIGQUIT, CREW_NOW);
	assert_int_equal(generation->members[0].state, MEMBER_BACKOFF);
}

static void reap__of_a_retiring_worker__leaves_its_place_empty(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);
	pid_t pid = generation->members[2].pid;

	member_retire(&generation->members[2], SIGQUIT, CREW_NOW + 500);
	assert_int_equal(generation->members[2].state, MEMBER_DRAINING);
	crew_await_death(pid);
	workers_reap(procs, CREW_NOW);
	assert_int_equal(generation->members[2].state, MEMBER_EMPTY);
	assert_null(generation->members[2].arena);
	assert_int_equal(tally_sum(procs->board, METRIC_worker_crashes_total), 0);
}

static void reap__before_ready_at_the_start__fails_the_generation(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_begin(procs, NULL);

	crew_kill(procs, &generation->members[1], SIGKILL, CREW_NOW);
	assert_int_equal(generation->failure.code, CODE_OSERR);
	assert_non_null(strstr(generation->failure.text, "worker 1"));
	assert_non_null(strstr(generation->failure.text, "signal 9"));
	assert_int_equal(generation->members[1].state, MEMBER_EMPTY);
}

static void reap__after_ready_at_the_start__replaces_it(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_begin(procs, NULL);

	crew_report_ready(procs, generation);
	crew_kill(procs, &generation->members[1], SIGKILL, CREW_NOW);
	assert_string_equal(generation->failure.text, "");
	assert_int_equal(generation->members[1].state, MEMBER_BACKOFF);
}

static void reap__of_do_not_respawn__ends_the_server(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);

	crew_kill(procs, &generation->members[0], SIGKILL, CREW_NOW);
	crew_behaviour = CODE_NO_RESPAWN;
	workers_start_due(procs, CREW_NOW + 100);
	crew_await_death(generation->members[0].pid);
	workers_reap(procs, CREW_NOW + 100);
	assert_int_equal(procs->fatal.code, CODE_OSERR);
	assert_int_equal(generation->members[0].state, MEMBER_EMPTY);
}

static void hear_stop(void *owner)
{
	struct procs *procs = owner;

	if (procs->current)
		workers_retire(procs, procs->current, SIGQUIT, INT64_MAX);
}

static void reap__with_a_stop_heard_meanwhile__replaces_nobody(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);

	procs->read_signals = hear_stop;
	procs->owner = procs;
	crew_kill(procs, &generation->members[0], SIGKILL, CREW_NOW);
	assert_int_equal(generation->members[0].state, MEMBER_EMPTY);
	assert_int_equal(tally_sum(procs->board, METRIC_worker_crashes_total), 0);
}

static void retire__then_all_gone__is_swept(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);
	pid_t pids[CREW_WORKERS];

	for (unsigned i = 0; i < CREW_WORKERS; i++)
		pids[i] = generation->members[i].pid;
	workers_retire(procs, generation, SIGQUIT, CREW_NOW + 500);
	assert_null(procs->current);
	workers_sweep(procs);
	assert_ptr_equal(procs->retiring, generation);
	for (unsigned i = 0; i < CREW_WORKERS; i++)
		crew_await_death(pids[i]);
	workers_reap(procs, CREW_NOW);
	workers_sweep(procs);
	assert_null(procs->retiring);
}

static void kill_due__at_its_time__kills_the_retiring_alone(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);
	pid_t pid = generation->members[0].pid;

	member_retire(&generation->members[0], 0, CREW_NOW + 500);
	assert_int_equal(workers_due_ms(procs, INT64_MAX), CREW_NOW + 500);
	workers_kill_due(procs, CREW_NOW + 499);
	workers_reap(procs, CREW_NOW + 499);
	assert_int_equal(generation->members[0].pid, pid);
	workers_kill_due(procs, CREW_NOW + 500);
	crew_await_death(pid);
	workers_reap(procs, CREW_NOW + 500);
	assert_int_equal(generation->members[0].state, MEMBER_EMPTY);
	assert_int_equal(generation_count(generation, member_is_running), CREW_WORKERS - 1);
}

static void more__up_to_the_room__then_no_more(void **state)
{
	struct procs *procs = *state;
	const struct generation *generation = crew_serve(procs, NULL);

	for (unsigned i = 0; i < GENERATION_SPARE; i++)
		assert_true(workers_more(procs, CREW_NOW));
	assert_false(workers_more(procs, CREW_NOW));
	assert_int_equal(generation->wanted, generation->capacity);
	workers_start_due(procs, CREW_NOW);
	assert_int_equal(workers_alive(procs), generation->capacity);
}

static void less__down_to_one__then_no_less(void **state)
{
	struct procs *procs = *state;
	const struct generation *generation = crew_serve(procs, NULL);

	assert_true(workers_less(procs, CREW_NOW));
	assert_int_equal(generation->members[2].state, MEMBER_DRAINING);
	assert_true(workers_less(procs, CREW_NOW));
	assert_int_equal(generation->members[1].state, MEMBER_DRAINING);
	assert_false(workers_less(procs, CREW_NOW));
	assert_true(member_is_running(&generation->members[0]));
}

static void less__while_one_waits__gives_up_that_one(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);

	crew_kill(procs, &generation->members[0], SIGKILL, CREW_NOW);
	assert_true(workers_less(procs, CREW_NOW));
	assert_int_equal(generation->members[0].state, MEMBER_EMPTY);
	assert_int_equal(generation_count(generation, member_is_running), CREW_WORKERS - 1);
}

#define WITH_PROCS(test) cmocka_unit_test_setup_teardown(test, crew_make, crew_free)

static void less__after_a_replacement__leaves_the_lowest_seats_taken(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);

	/* as after recycling worker 0 */
	generation->members[CREW_WORKERS] = generation->members[0];
	generation->members[CREW_WORKERS].number = CREW_WORKERS;
	generation->members[0] = (struct member){ .state = MEMBER_EMPTY };
	assert_true(workers_less(procs, CREW_NOW));
	assert_int_equal(generation->members[2].state, MEMBER_DRAINING);
	assert_true(member_is_running(&generation->members[CREW_WORKERS]));
	assert_true(workers_more(procs, CREW_NOW));
	assert_int_equal(generation->members[0].seat, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PROCS(begin__beside_others__takes_the_first_slots_that_fit),
		WITH_PROCS(begin__without_room__fails_and_changes_nothing),
		WITH_PROCS(start_due__of_a_new_generation__forks_the_wanted),
		WITH_PROCS(start_due__when_fork_fails_at_the_start__fails_the_generation),
		WITH_PROCS(start_due__when_fork_fails_later__waits_longer_each_time),
		WITH_PROCS(look__at_a_slot_that_says_ready__counts_it),
		WITH_PROCS(reap__of_a_worker_that_served__replaces_it_at_once),
		WITH_PROCS(reap__of_early_deaths__delays_their_slot_alone),
		WITH_PROCS(reap__of_exit_0_of_its_own_accord__replaces_it),
		WITH_PROCS(reap__of_a_retiring_worker__leaves_its_place_empty),
		WITH_PROCS(reap__before_ready_at_the_start__fails_the_generation),
		WITH_PROCS(reap__after_ready_at_the_start__replaces_it),
		WITH_PROCS(reap__of_do_not_respawn__ends_the_server),
		WITH_PROCS(reap__with_a_stop_heard_meanwhile__replaces_nobody),
		WITH_PROCS(retire__then_all_gone__is_swept),
		WITH_PROCS(kill_due__at_its_time__kills_the_retiring_alone),
		WITH_PROCS(more__up_to_the_room__then_no_more),
		WITH_PROCS(less__down_to_one__then_no_less),
		WITH_PROCS(less__while_one_waits__gives_up_that_one),
		WITH_PROCS(less__after_a_replacement__leaves_the_lowest_seats_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
