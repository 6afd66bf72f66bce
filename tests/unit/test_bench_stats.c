/* SPDX-License-Identifier: MIT */
/*
 * Tests of client/bench/bench_stats: what a message that is unanswered at the end does to the
 * figures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "client/bench/bench_stats.h"

static struct bench_stats stats;

static int set_up(void **state)
{
	(void)state;
	memset(&stats, 0, sizeof(stats));
	return 0;
}

static void ages__below_the_longest_answer__leave_the_latencies_alone(void **state)
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

static void ages__beyond_the_longest_answer__are_latencies(void **state)
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
		cmocka_unit_test_setup(ages__below_the_longest_answer__leave_the_latencies_alone,
				       set_up),
		cmocka_unit_test_setup(ages__beyond_the_longest_answer__are_latencies, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
