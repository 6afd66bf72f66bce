/* SPDX-License-Identifier: MIT */
/*
 * Tests of client/bench/bench_stats: percentiles, precision, merging; and the effect of messages
 * that are unanswered at the end on the latencies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "client/bench/bench_stats.h"

static struct latency latency, other;
static struct bench_stats stats;

static int set_up(void **state)
{
	(void)state;
	memset(&latency, 0, sizeof(latency));
	memset(&other, 0, sizeof(other));
	memset(&stats, 0, sizeof(stats));
	return 0;
}

static void shares__of_nothing__are_0(void **state)
{
	(void)state;
	assert_int_equal(bench_stats_percentile_ns(&latency, 5000), 0);
	assert_int_equal(bench_stats_percentile_ns(&latency, 10000), 0);
	assert_int_equal(bench_stats_count_within(&latency, UINT64_MAX), 0);
}

static void shares__of_100__are_the_smallest_that_so_many_do_not_exceed(void **state)
{
	(void)state;
	for (uint64_t ns = 1; ns <= 100; ns++)
		bench_stats_add_latency(&latency, ns);
	assert_int_equal(bench_stats_percentile_ns(&latency, 1), 1);
	assert_int_equal(bench_stats_percentile_ns(&latency, 5000), 50);
	assert_int_equal(bench_stats_percentile_ns(&latency, 9900), 99);
	assert_int_equal(bench_stats_percentile_ns(&latency, 9990), 100);
	assert_int_equal(bench_stats_percentile_ns(&latency, 10000), 100);
	assert_int_equal(latency.sum_ns, 5050);
}

static void any_duration__is_known_to_within_a_hundredth(void **state)
{
	(void)state;
	for (uint64_t ns = 1; ns < UINT64_C(4000000000000); ns += 1 + ns / 37) {
		uint64_t read;

		set_up(state);
		bench_stats_add_latency(&latency, ns);
		bench_stats_add_latency(&latency, UINT64_C(5000000000000));
		read = bench_stats_percentile_ns(&latency, 5000);
		assert_in_range(read, ns, ns + ns / 100);
		assert_int_equal(bench_stats_count_within(&latency, ns), 1);
		assert_int_equal(bench_stats_count_within(&latency, ns - ns / 50 - 1), 0);
	}
}

static void durations__beyond_all_bounds__are_counted_and_the_longest_is_exact(void **state)
{
	(void)state;
	bench_stats_add_latency(&latency, UINT64_MAX / 2);
	bench_stats_add_latency(&latency, 7);
	assert_int_equal(latency.count, 2);
	assert_int_equal(bench_stats_percentile_ns(&latency, 10000), UINT64_MAX / 2);
	assert_int_equal(bench_stats_percentile_ns(&latency, 5000), 7);
}

static void merging__is_as_if_all_had_been_added_to_one(void **state)
{
	struct latency all = { 0 };

	(void)state;
	for (uint64_t ns = 1; ns < 100000000; ns += ns / 3 + 1) {
		bench_stats_add_latency(ns % 2 ? &latency : &other, ns);
		bench_stats_add_latency(&all, ns);
	}
	bench_stats_add_latencies(&other, 12345, 17);
	for (int i = 0; i < 17; i++)
		bench_stats_add_latency(&all, 12345);
	bench_stats_merge_latency(&latency, &other);
	assert_memory_equal(&latency, &all, sizeof(all));
}

static void ages__below_the_longest_latency__leave_the_latencies_alone(void **state)
{
	(void)state;
	bench_stats_add_latency(&stats.answer, 100);
	bench_stats_add_unanswered(&stats, 1, 100);
	bench_stats_add_unanswered(&stats, 100, 100);
	assert_int_equal(stats.unanswered, 2);
	assert_int_equal(stats.answer.count, 1);
	assert_int_equal(stats.answer.max_ns, 100);
	assert_int_equal(bench_stats_errors(&stats), 0);
}

static void ages__beyond_the_longest_latency__are_latencies(void **state)
{
	(void)state;
	bench_stats_add_latency(&stats.answer, 100);
	bench_stats_add_unanswered(&stats, 900, 100);
	bench_stats_add_unanswered(&stats, 800, 100);
	assert_int_equal(stats.unanswered, 2);
	assert_int_equal(stats.answer.count, 3);
	assert_int_equal(stats.answer.sum_ns, 1800);
	assert_int_equal(stats.answer.max_ns, 900);
	assert_int_equal(bench_stats_errors(&stats), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(shares__of_nothing__are_0, set_up),
		cmocka_unit_test_setup(shares__of_100__are_the_smallest_that_so_many_do_not_exceed,
				       set_up),
		cmocka_unit_test_setup(any_duration__is_known_to_within_a_hundredth, set_up),
		cmocka_unit_test_setup(
			durations__beyond_all_bounds__are_counted_and_the_longest_is_exact, set_up),
		cmocka_unit_test_setup(merging__is_as_if_all_had_been_added_to_one, set_up),
		cmocka_unit_test_setup(ages__below_the_longest_latency__leave_the_latencies_alone,
				       set_up),
		cmocka_unit_test_setup(ages__beyond_the_longest_latency__are_latencies, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
