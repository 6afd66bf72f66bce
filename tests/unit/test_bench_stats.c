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

static struct outcome outcome;

static int set_up(void **state)
{
	(void)state;
	memset(&outcome, 0, sizeof(outcome));
	return 0;
}

static void ages__below_the_longest_answer__leave_the_latencies_alone(void **state)
{
	(void)state;
	latency_add(&outcome.answer, 100);
	outcome_wait(&outcome, 1, 100);
	outcome_wait(&outcome, 100, 100);
	assert_int_equal(outcome.unanswered, 2);
	assert_int_equal(outcome.answer.count, 1);
	assert_int_equal(outcome.answer.most_ns, 100);
	assert_int_equal(outcome_lost(&outcome), 0);
}

static void ages__beyond_the_longest_answer__are_latencies(void **state)
{
	(void)state;
	latency_add(&outcome.answer, 100);
	outcome_wait(&outcome, 900, 100);
	outcome_wait(&outcome, 800, 100);
	assert_int_equal(outcome.unanswered, 2);
	assert_int_equal(outcome.answer.count, 3);
	assert_int_equal(outcome.answer.sum_ns, 1800);
	assert_int_equal(outcome.answer.most_ns, 900);
	assert_int_equal(outcome_lost(&outcome), 0);
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
