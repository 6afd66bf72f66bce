/* SPDX-License-Identifier: MIT */
/* Tests of master/recycle.c on a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/sys.h"
#include "config/conf_load.h"
#include "master/jitter.h"
#include "master/member.h"
#include "master/recycle.h"
#include "unit/crew.h"

enum { FRESH = CREW_WORKERS, OLD_ENOUGH = CREW_NOW + 20000 };

static const char max_age[] = "worker_max_age=10s";

static void spread__of_many_workers__stays_within_a_tenth_and_differs(void **state)
{
	int64_t least = INT64_MAX, most = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t spread = jitter_add(1000, 20000 + i, (unsigned)i % 4);

		assert_in_range(spread, 1000, 1100);
		least = spread < least ? spread : least;
		most = spread > most ? spread : most;
	}
	assert_in_range(least, 1000, 1010);
	assert_in_range(most, 1090, 1100);
}

static void spread__of_the_same_worker__is_the_same(void **state)
{
	(void)state;
	assert_int_equal(jitter_add(50000, 77, 3), jitter_add(50000, 77, 3));
}

static void spread__of_less_than_ten__is_the_limit(void **state)
{
	(void)state;
	assert_int_equal(jitter_add(9, 77, 3), 9);
}

/* Replaces one of the old workers; returns the number of the old one. */
static unsigned replace_one(struct recycle *recycle, struct procs *procs)
{
	struct generation *generation = procs->current;

	recycle_step(recycle, procs, OLD_ENOUGH);
	assert_int_equal(recycle->generation, generation->id);
	assert_int_equal(recycle->fresh, FRESH);
	workers_start_due(procs, OLD_ENOUGH);
	assert_true(member_is_running(&generation->members[FRESH]));
	assert_int_equal(generation->slots[FRESH].seat, generation->slots[recycle->old].seat);
	return recycle->old;
}

static void step__before_anyone_is_old__does_nothing(void **state)
{
	struct procs *procs = *state;
	const struct generation *generation = crew_serve(procs, max_age);
	struct recycle recycle = { 0 };

	recycle_step(&recycle, procs, CREW_NOW + 9999);
	assert_int_equal(recycle.generation, 0);
	assert_int_equal(generation_count(generation, member_is_running), CREW_WORKERS);
}

static void step__with_all_old__replaces_one_and_waits_for_it(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, max_age);
	struct recycle recycle = { 0 };
	unsigned old = replace_one(&recycle, procs);
	pid_t pid = generation->members[old].pid;

	recycle_step(&recycle, procs, OLD_ENOUGH);
	assert_true(member_is_running(&generation->members[old]));
	generation->slots[FRESH].state = SLOT_READY;
	workers_look(procs);
	recycle_step(&recycle, procs, OLD_ENOUGH);
	assert_int_equal(generation->members[old].state, MEMBER_DRAINING);
	assert_int_equal(generation_count(generation, member_is_running), CREW_WORKERS);
	recycle_step(&recycle, procs, OLD_ENOUGH + 1000);
	assert_int_equal(recycle.generation, generation->id);
	crew_await_death(pid);
	workers_reap(procs, OLD_ENOUGH + 1000);
	recycle_step(&recycle, procs, OLD_ENOUGH + 1000);
	assert_int_equal(recycle.generation, 0);
}

static void step__with_a_worker_that_accepted_enough__replaces_that(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, "worker_max_connections=100");
	struct recycle recycle = { 0 };

	generation->slots[0].tally.listeners[0].connections_accepted_total = 99;
	generation->slots[1].tally.listeners[0].connections_accepted_total = 110;
	recycle_step(&recycle, procs, OLD_ENOUGH);
	assert_int_equal(recycle.generation, generation->id);
	assert_int_equal(recycle.old, 1);
}

/* Those of a recycled worker move to its peers, which would be recycled for them in turn. */
static void step__with_a_worker_that_took_over_enough__replaces_none(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, "worker_max_connections=100");
	struct recycle recycle = { 0 };

	generation->slots[0].tally.connections_moved_in_total[MOVE_retirement] = 1000;
	recycle_step(&recycle, procs, OLD_ENOUGH);
	assert_int_equal(recycle.generation, 0);
}

static void step__when_the_old_one_dies_first__keeps_the_number_of_workers(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, max_age);
	struct recycle recycle = { 0 };
	unsigned old = replace_one(&recycle, procs);

	crew_kill(procs, &generation->members[old], SIGKILL, OLD_ENOUGH);
	recycle_step(&recycle, procs, OLD_ENOUGH);
	assert_int_equal(recycle.generation, 0);
	assert_int_equal(generation->members[old].state, MEMBER_EMPTY);
	assert_int_equal(generation_count(generation, member_is_running), CREW_WORKERS);
}

static void step__when_the_replacement_dies_first__waits_for_the_next(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, max_age);
	struct recycle recycle = { 0 };
	unsigned old = replace_one(&recycle, procs);

	crew_kill(procs, &generation->members[FRESH], SIGKILL, OLD_ENOUGH);
	recycle_step(&recycle, procs, OLD_ENOUGH);
	assert_int_equal(generation->members[FRESH].state, MEMBER_BACKOFF);
	assert_true(member_is_running(&generation->members[old]));
	assert_int_equal(recycle.generation, generation->id);
}

static void due__while_a_replacement_is_under_way__is_not(void **state)
{
	struct procs *procs = *state;
	struct recycle recycle = { 0 };

	crew_serve(procs, max_age);
	assert_int_equal(recycle_due_ms(&recycle, procs, INT64_MAX), 250);
	replace_one(&recycle, procs);
	assert_int_equal(recycle_due_ms(&recycle, procs, INT64_MAX), INT64_MAX);
}

static void step__when_a_signal_takes_the_replacement__gives_up(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, max_age);
	struct recycle recycle = { 0 };
	unsigned old = replace_one(&recycle, procs);

	assert_true(workers_less(procs, OLD_ENOUGH));
	recycle_step(&recycle, procs, OLD_ENOUGH);
	assert_int_equal(recycle.generation, 0);
	assert_true(member_is_running(&generation->members[old]));
	assert_int_equal(generation_count(generation, member_is_running), CREW_WORKERS - 1);
}

static void step__after_a_reload__forgets_the_pair(void **state)
{
	struct procs *procs = *state;
	struct generation *old = crew_serve(procs, max_age), *fresh;
	struct recycle recycle = { 0 };

	replace_one(&recycle, procs);
	fresh = crew_begin(procs, max_age);
	crew_report_ready(procs, fresh);
	assert_ptr_equal(workers_promote(procs), old);
	workers_retire(procs, old, SIGQUIT, INT64_MAX);
	recycle_step(&recycle, procs, CREW_NOW);
	assert_int_equal(recycle.generation, 0);
}

/* A worker, or a helper, that was taken over can shut links again and again. */
static void step__with_a_worker_that_shuts_its_link__replaces_it__but_not_all_the_time(void **state)
{
	static const char *const listeners[] = { "127.0.0.1:0=exec,command=/bin/cat" };
	const struct conf_source source = { .listeners = (const char **)(uintptr_t)listeners,
					    .listener_count = 1 };
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);
	struct recycle recycle = { 0 };
	struct err err;
	struct conf *conf = conf_load(&source, &err);

	assert_non_null(conf);
	assert_true(helper_set_new(&generation->helpers, conf, generation->capacity));
	recycle_step(&recycle, procs, OLD_ENOUGH);
	assert_int_equal(recycle.generation, 0);
	assert_int_equal(shutdown(generation->helpers.links[0].list[1].worker, SHUT_RDWR), 0);
	recycle_step(&recycle, procs, OLD_ENOUGH + 1000);
	assert_int_equal(recycle.generation, generation->id);
	assert_int_equal(recycle.old, 1);
	recycle.generation = 0;
	assert_true(workers_less(procs, OLD_ENOUGH));
	recycle_step(&recycle, procs, OLD_ENOUGH + 2000);
	assert_int_equal(recycle.generation, 0);
	recycle_step(&recycle, procs, OLD_ENOUGH + 6000);
	assert_int_equal(recycle.generation, generation->id);
	helper_set_free(&generation->helpers);
	conf_free(conf);
}

#define WITH_PROCS(test) cmocka_unit_test_setup_teardown(test, crew_make, crew_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spread__of_many_workers__stays_within_a_tenth_and_differs),
		cmocka_unit_test(spread__of_the_same_worker__is_the_same),
		cmocka_unit_test(spread__of_less_than_ten__is_the_limit),
		WITH_PROCS(
			step__with_a_worker_that_shuts_its_link__replaces_it__but_not_all_the_time),
		WITH_PROCS(step__before_anyone_is_old__does_nothing),
		WITH_PROCS(step__with_all_old__replaces_one_and_waits_for_it),
		WITH_PROCS(step__with_a_worker_that_accepted_enough__replaces_that),
		WITH_PROCS(step__with_a_worker_that_took_over_enough__replaces_none),
		WITH_PROCS(step__when_the_old_one_dies_first__keeps_the_number_of_workers),
		WITH_PROCS(step__when_the_replacement_dies_first__waits_for_the_next),
		WITH_PROCS(due__while_a_replacement_is_under_way__is_not),
		WITH_PROCS(step__when_a_signal_takes_the_replacement__gives_up),
		WITH_PROCS(step__after_a_reload__forgets_the_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
