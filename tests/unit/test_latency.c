/* SPDX-License-Identifier: MIT */
/*
 * Tests of client/bench/latency: shares, precision, merging; and of the schedule in client/pace.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "client/bench/latency.h"
#include "client/bench/pace.h"

static struct latency latency, other;

static int set_up(void **state)
{
	(void)state;
	memset(&latency, 0, sizeof(latency));
	memset(&other, 0, sizeof(other));
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

static void schedule__is_even_and_deals_the_messages_out_in_turn(void **state)
{
	const struct bench_schedule pace = { .rate = 1000, .connections = 3, .start_ns = 5 };

	(void)state;
	for (int64_t k = 0; k < 3000; k++)
		assert_int_equal(bench_request_due_ns(&pace, k % 3, k / 3), 5 + k * 1000000);
}

static void schedule__of_years__does_not_overflow(void **state)
{
	const struct bench_schedule pace = { .rate = BENCH_RATE_MAX,
					     .connections = 1,
					     .start_ns = 0 };
	int64_t year_s = 365 * 86400;

	(void)state;
	assert_int_equal(bench_request_due_ns(&pace, 0, year_s * BENCH_RATE_MAX),
			 year_s * 1000000000);
	assert_int_equal(bench_request_due_ns(&pace, 0, year_s * BENCH_RATE_MAX + 1),
			 year_s * 1000000000 + 100);
}

static void schedule__with_a_count__ends_with_it(void **state)
{
	const struct bench_schedule pace = {
		.rate = 10, .connections = 3, .count = 4, .start_ns = 0
	};

	(void)state;
	assert_int_equal(bench_request_due_ns(&pace, 0, 1), 300000000);
	assert_true(bench_request_due_ns(&pace, 1, 1) == BENCH_NEVER);
	assert_int_equal(bench_request_count_due(&pace, 0, INT64_C(1000000000000)), 2);
	assert_int_equal(bench_request_count_due(&pace, 1, INT64_C(1000000000000)), 1);
}

static void turns__before_a_moment__are_those_that_are_due_before_it(void **state)
{
	static const int64_t rates[] = { 1, 3, 7, 1000, 999983 };
	static const int64_t connections[] = { 1, 2, 64, 1000 };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		for (size_t k = 0; k < 4; k++) {
			const struct bench_schedule pace = { .rate = rates[i],
							     .connections = connections[k],
							     .start_ns = 100 };

			for (int64_t at = 0; at < INT64_C(7000000000); at += 333333333) {
				int64_t turns = bench_request_count_due(&pace, 0, at);

				assert_true(bench_request_due_ns(&pace, 0, turns) >= at);
				assert_true(turns == 0 ||
					    bench_request_due_ns(&pace, 0, turns - 1) < at);
			}
		}
	}
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
		cmocka_unit_test(schedule__is_even_and_deals_the_messages_out_in_turn),
		cmocka_unit_test(schedule__of_years__does_not_overflow),
		cmocka_unit_test(schedule__with_a_count__ends_with_it),
		cmocka_unit_test(turns__before_a_moment__are_those_that_are_due_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
