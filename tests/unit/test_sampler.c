/* SPDX-License-Identifier: MIT */
/*
 * Tests of master/sampling/sampler.c on a clock that the test moves: the times of its steps, and
 * its values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/sys.h"
#include "master/sampling/sampler.h"
#include "unit/crew.h"

/* Steps through all times that are due by then; returns their number. */
static unsigned go_on_until(struct sampler *sampler, const struct procs *procs, int64_t until_ms)
{
	unsigned steps = 0;
	int64_t due_ms;

	while ((due_ms = sampler_due_ms(sampler, procs, INT64_MAX)) <= until_ms) {
		sampler_step(sampler, procs, due_ms);
		steps++;
	}
	return steps;
}

static void next__in_time__is_one_step_later(void **state)
{
	(void)state;
	assert_int_equal(sampler_next_ms(1000, 100, 1000), 1100);
	assert_int_equal(sampler_next_ms(1000, 100, 1099), 1100);
}

static void next__too_late__is_ahead_and_in_step(void **state)
{
	(void)state;
	assert_int_equal(sampler_next_ms(1000, 100, 1100), 1200);
	assert_int_equal(sampler_next_ms(1000, 100, 60050), 60100);
}

static void due__before_the_first_generation_is_ready__is_never(void **state)
{
	struct procs *procs = *state;
	struct sampler sampler;

	sampler_start(&sampler);
	crew_begin(procs, NULL);
	assert_int_equal(sampler_due_ms(&sampler, procs, INT64_MAX), INT64_MAX);
	sampler_step(&sampler, procs, CREW_NOW);
	assert_int_equal(procs->board->server.workers, 0);
	sampler_stop(&sampler);
}

static void step__at_once__knows_the_workers(void **state)
{
	struct procs *procs = *state;
	const struct generation *generation = crew_serve(procs, NULL);
	const struct server_tally *server = &procs->board->server;
	struct sampler sampler;

	sampler_start(&sampler);
	generation->slots[0].live = 3;
	sampler_step(&sampler, procs, CREW_NOW);
	assert_int_equal(server->workers, CREW_WORKERS);
	assert_int_equal(server->workers_ready, CREW_WORKERS);
	assert_int_equal(server->balance_ratio, 3000000);
	assert_true(server->master_cpu_seconds_total > 0);
	assert_true(server->master_memory_bytes > 0);
	for (unsigned i = 0; i < CREW_WORKERS; i++)
		assert_true(generation->slots[i].tally.worker_memory_bytes > 0);
	sampler_stop(&sampler);
}

/* A reader after a reload gets the current state, not that of the last tick. */
static void step__between_two_ticks__knows_the_workers(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);
	const struct server_tally *server = &procs->board->server;
	struct sampler sampler;

	sampler_start(&sampler);
	sampler_step(&sampler, procs, CREW_NOW);
	crew_kill(procs, &generation->members[1], SIGKILL, CREW_NOW);
	assert_true(sampler_due_ms(&sampler, procs, INT64_MAX) > CREW_NOW);
	sampler_step(&sampler, procs, CREW_NOW);
	assert_int_equal(server->workers, CREW_WORKERS);
	assert_int_equal(server->workers_ready, CREW_WORKERS - 1);
	sampler_stop(&sampler);
}

static void step__ten_times_a_second__writes_a_moment_a_second(void **state)
{
	struct procs *procs = *state;
	struct sampler sampler;

	sampler_start(&sampler);
	crew_serve(procs, NULL);
	sampler_step(&sampler, procs, CREW_NOW);
	go_on_until(&sampler, procs, CREW_NOW + SAMPLER_SECOND_MS);
	procs->board->moment_count = 0;
	assert_in_range(go_on_until(&sampler, procs, CREW_NOW + 6 * SAMPLER_SECOND_MS), 49, 51);
	assert_int_equal(procs->board->moment_count, 5);
	sampler_stop(&sampler);
}

static void step__after_a_long_time_away__makes_nothing_good(void **state)
{
	struct procs *procs = *state;
	struct sampler sampler;
	int64_t later_ms = CREW_NOW + 3600 * 1000;

	sampler_start(&sampler);
	crew_serve(procs, NULL);
	sampler_step(&sampler, procs, CREW_NOW);
	procs->board->moment_count = 0;
	sampler_step(&sampler, procs, later_ms);
	assert_int_equal(procs->board->moment_count, 1);
	assert_in_range(sampler_due_ms(&sampler, procs, INT64_MAX), later_ms + 1, later_ms + 100);
	sampler_stop(&sampler);
}

static void step__after_a_death__leaves_the_processor_time_to_the_past(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);
	const uint64_t used = UINT64_C(1) << 40;
	struct sampler sampler;

	sampler_start(&sampler);
	sampler_step(&sampler, procs, CREW_NOW);
	cell_set(&generation->slots[1].tally.worker_cpu_seconds_total, used);
	crew_kill(procs, &generation->members[1], SIGKILL, CREW_NOW);
	go_on_until(&sampler, procs, CREW_NOW + 2 * SAMPLER_SECOND_MS);
	assert_int_equal(generation->slots[1].tally.worker_cpu_seconds_total, 0);
	assert_int_equal(generation->slots[1].tally.worker_memory_bytes, 0);
	assert_true(procs->board->past[1].tally.worker_cpu_seconds_total >= used);
	assert_int_equal(procs->board->server.workers, CREW_WORKERS);
	assert_int_equal(procs->board->server.workers_ready, CREW_WORKERS - 1);
	sampler_stop(&sampler);
}

static void step__with_a_cpu_figure_that_is_less__keeps_the_higher_one(void **state)
{
	struct procs *procs = *state;
	const struct generation *generation = crew_serve(procs, NULL);
	metric_cell *cell = &generation->slots[0].tally.worker_cpu_seconds_total;
	const uint64_t high = UINT64_C(1) << 40;
	struct sampler sampler;

	sampler_start(&sampler);
	cell_set(cell, high);
	sampler_step(&sampler, procs, CREW_NOW);
	assert_true(cell_get(cell) == high);
	sampler_stop(&sampler);
}

#define WITH_PROCS(test) cmocka_unit_test_setup_teardown(test, crew_make, crew_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next__in_time__is_one_step_later),
		cmocka_unit_test(next__too_late__is_ahead_and_in_step),
		WITH_PROCS(due__before_the_first_generation_is_ready__is_never),
		WITH_PROCS(step__at_once__knows_the_workers),
		WITH_PROCS(step__between_two_ticks__knows_the_workers),
		WITH_PROCS(step__ten_times_a_second__writes_a_moment_a_second),
		WITH_PROCS(step__after_a_long_time_away__makes_nothing_good),
		WITH_PROCS(step__after_a_death__leaves_the_processor_time_to_the_past),
		WITH_PROCS(step__with_a_cpu_figure_that_is_less__keeps_the_higher_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
