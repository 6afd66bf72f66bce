/* SPDX-License-Identifier: MIT */
/* Tests of master/watchdog.c on a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/sys.h"
#include "master/watchdog.h"
#include "stats/tally.h"
#include "unit/crew.h"
#include "worker/door/arrival.h"

static const char hang_timeout[] = "hang_timeout=1s";

/* Looks every quarter of a second until then, as a master does that is not delayed. */
static void look_until(struct watchdog *watchdog, struct procs *procs, int64_t until_ms)
{
	while (watchdog_due_ms(watchdog, procs, INT64_MAX) <= until_ms)
		watchdog_look(watchdog, procs, watchdog_due_ms(watchdog, procs, INT64_MAX));
}

static void due__with_a_hang_timeout__is_a_quarter_of_it_later(void **state)
{
	struct procs *procs = *state;
	struct watchdog watchdog = { .last_ms = CREW_NOW };

	crew_serve(procs, hang_timeout);
	assert_int_equal(watchdog_due_ms(&watchdog, procs, INT64_MAX), CREW_NOW + 250);
	assert_int_equal(watchdog_due_ms(&watchdog, procs, CREW_NOW + 100), CREW_NOW + 100);
}

static void due__without_a_hang_timeout__is_never(void **state)
{
	struct procs *procs = *state;
	const struct watchdog watchdog = { 0 };

	crew_serve(procs, "hang_timeout=off");
	assert_int_equal(watchdog_due_ms(&watchdog, procs, INT64_MAX), INT64_MAX);
}

static void look__at_a_silent_worker__aborts_then_kills_it(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, hang_timeout);
	struct watchdog watchdog = { .last_ms = CREW_NOW };
	pid_t pid = generation->members[1].pid;

	generation->slots[0].heartbeat_ms = CREW_NOW + 1000;
	generation->slots[2].heartbeat_ms = CREW_NOW + 1000;
	look_until(&watchdog, procs, CREW_NOW + 1250);
	assert_true(member_is_hung(&generation->members[1]));
	assert_int_equal(generation->members[1].kill_ms, CREW_NOW + 1250 + MEMBER_ABORT_MS);
	assert_false(member_is_hung(&generation->members[0]) ||
		     member_is_hung(&generation->members[2]));
	assert_int_equal(tally_sum(procs->board, METRIC_worker_hangs_total), 1);
	crew_await_death(pid);
	workers_reap(procs, CREW_NOW + 1250);
	assert_int_equal(generation->members[1].state, MEMBER_BACKOFF);
}

static void look__at_a_worker_just_in_time__leaves_it(void **state)
{
	struct procs *procs = *state;
	const struct generation *generation = crew_serve(procs, hang_timeout);
	struct watchdog watchdog = { .last_ms = CREW_NOW };

	look_until(&watchdog, procs, CREW_NOW + 1000);
	assert_false(member_is_hung(&generation->members[0]));
	assert_int_equal(tally_sum(procs->board, METRIC_worker_hangs_total), 0);
}

/*
 * It may be in an attacker's hands; the worker that sent the batch waits for it. An attacker that
 * sends one batch after the other, of any number, makes no other worker look so.
 */
static void look__at_a_worker_that_never_decides_a_batch__aborts_it(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, hang_timeout);
	struct watchdog watchdog = { .last_ms = CREW_NOW };

	for (unsigned i = 0; i < CREW_WORKERS; i++)
		generation->slots[i].heartbeat_ms = CREW_NOW + 3000;
	generation->slots[0].door_taken[1] = door_note(1, DOOR_TAKEN);
	generation->slots[1].door_taken[0] = door_note(1, DOOR_BEGUN);
	for (unsigned ms = 250; ms <= 1500; ms += 250) {
		assert_int_equal(tally_sum(procs->board, METRIC_worker_hangs_total), 0);
		generation->slots[2].door_taken[0] = door_note(ms, DOOR_BEGUN);
		look_until(&watchdog, procs, CREW_NOW + ms);
	}
	assert_true(member_is_hung(&generation->members[1]));
	assert_int_equal(tally_sum(procs->board, METRIC_worker_hangs_total), 1);
}

/* The next worker of the slot refuses it when it starts. */
static void look__at_a_worker_whose_predecessor_had_begun__leaves_it(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, hang_timeout);
	struct watchdog watchdog = { .last_ms = CREW_NOW };

	generation->slots[1].door_taken[0] = door_note(9, DOOR_BEGUN);
	look_until(&watchdog, procs, CREW_NOW + 1000);
	assert_int_equal(tally_sum(procs->board, METRIC_worker_hangs_total), 0);
}

static void look__after_the_master_itself_was_away__grants_a_fresh_start(void **state)
{
	struct procs *procs = *state;
	const struct generation *generation = crew_serve(procs, hang_timeout);
	struct watchdog watchdog = { .last_ms = CREW_NOW };

	watchdog_look(&watchdog, procs, CREW_NOW + 60000);
	look_until(&watchdog, procs, CREW_NOW + 61000);
	assert_false(member_is_hung(&generation->members[0]));
	look_until(&watchdog, procs, CREW_NOW + 61250);
	assert_true(member_is_hung(&generation->members[0]));
}

#define WITH_PROCS(test) cmocka_unit_test_setup_teardown(test, crew_make, crew_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PROCS(due__with_a_hang_timeout__is_a_quarter_of_it_later),
		WITH_PROCS(due__without_a_hang_timeout__is_never),
		WITH_PROCS(look__at_a_silent_worker__aborts_then_kills_it),
		WITH_PROCS(look__at_a_worker_just_in_time__leaves_it),
		WITH_PROCS(look__at_a_worker_that_never_decides_a_batch__aborts_it),
		WITH_PROCS(look__at_a_worker_whose_predecessor_had_begun__leaves_it),
		WITH_PROCS(look__after_the_master_itself_was_away__grants_a_fresh_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
