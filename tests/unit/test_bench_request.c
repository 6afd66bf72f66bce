/* SPDX-License-Identifier: MIT */
/* Tests of client/bench/bench_request: the schedule of an open loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/bench/bench_worker.h"

static void schedule__is_even_and_deals_the_messages_out_in_turn(void **state)
{
	const struct bench_schedule schedule = { .rate = 1000, .connections = 3, .start_ns = 5 };

	(void)state;
	for (int64_t k = 0; k < 3000; k++)
		assert_int_equal(bench_request_due_ns(&schedule, k % 3, k / 3), 5 + k * 1000000);
}

static void schedule__of_years__does_not_overflow(void **state)
{
	const struct bench_schedule schedule = { .rate = BENCH_RATE_MAX,
						 .connections = 1,
						 .start_ns = 0 };
	int64_t year_s = 365 * 86400;

	(void)state;
	assert_int_equal(bench_request_due_ns(&schedule, 0, year_s * BENCH_RATE_MAX),
			 year_s * 1000000000);
	assert_int_equal(bench_request_due_ns(&schedule, 0, year_s * BENCH_RATE_MAX + 1),
			 year_s * 1000000000 + 100);
}

static void schedule__with_a_count__ends_with_it(void **state)
{
	const struct bench_schedule schedule = {
		.rate = 10, .connections = 3, .count = 4, .start_ns = 0
	};

	(void)state;
	assert_int_equal(bench_request_due_ns(&schedule, 0, 1), 300000000);
	assert_true(bench_request_due_ns(&schedule, 1, 1) == BENCH_NEVER);
	assert_int_equal(bench_request_count_due(&schedule, 0, INT64_C(1000000000000)), 2);
	assert_int_equal(bench_request_count_due(&schedule, 1, INT64_C(1000000000000)), 1);
}

static void rounds__before_a_time__are_those_that_are_due_before_it(void **state)
{
	static const int64_t rates[] = { 1, 3, 7, 1000, 999983 };
	static const int64_t connections[] = { 1, 2, 64, 1000 };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		for (size_t k = 0; k < 4; k++) {
			const struct bench_schedule schedule = { .rate = rates[i],
								 .connections = connections[k],
								 .start_ns = 100 };

			for (int64_t at = 0; at < INT64_C(7000000000); at += 333333333) {
				int64_t rounds = bench_request_count_due(&schedule, 0, at);

				assert_true(bench_request_due_ns(&schedule, 0, rounds) >= at);
				assert_true(rounds == 0 ||
					    bench_request_due_ns(&schedule, 0, rounds - 1) < at);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedule__is_even_and_deals_the_messages_out_in_turn),
		cmocka_unit_test(schedule__of_years__does_not_overflow),
		cmocka_unit_test(schedule__with_a_count__ends_with_it),
		cmocka_unit_test(rounds__before_a_time__are_those_that_are_due_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
