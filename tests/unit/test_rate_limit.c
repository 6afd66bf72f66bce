/* SPDX-License-Identifier: MIT */
/* The rule of rates, on a clock that the test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/rate_limit.h"

#define SECOND INT64_C(1000000000)
#define MS     INT64_C(1000000)

enum { START_S = 1000 };

/* Arrivals that try at each of the times from start on, so far apart; returns how many may come. */
static unsigned try_often(const struct rate_limit *limit, int64_t *time_ns, int64_t start_ns,
			  int64_t step_ns, unsigned tries)
{
	unsigned allowed = 0;
	int64_t due_ns;

	for (unsigned i = 0; i < tries; i++)
		allowed += rate_limit_allows(limit, start_ns + i * step_ns, time_ns, &due_ns);
	return allowed;
}

static void burst__after_a_quiet_time__comes_at_once__and_no_more(void **state)
{
	struct rate_limit limit = rate_limit_of(10, 5, 1);
	int64_t time_ns = 0;

	(void)state;
	assert_int_equal(try_often(&limit, &time_ns, START_S * SECOND, 0, 20), 5);
	/* a day later it is as before: time does not add up beyond the burst */
	assert_int_equal(try_often(&limit, &time_ns, (START_S + 86400) * SECOND, 0, 20), 5);
}

static void arrival__that_is_too_early__is_told_when_it_is_in_time(void **state)
{
	struct rate_limit limit = rate_limit_of(10, 1, 1);
	int64_t time_ns = 0, due_ns, now_ns = START_S * SECOND;

	(void)state;
	assert_true(rate_limit_allows(&limit, now_ns, &time_ns, &due_ns));
	assert_false(rate_limit_allows(&limit, now_ns + 30 * MS, &time_ns, &due_ns));
	assert_int_equal(due_ns, now_ns + 100 * MS);
	assert_false(rate_limit_allows(&limit, due_ns - 1, &time_ns, &due_ns));
	assert_true(rate_limit_allows(&limit, due_ns, &time_ns, &due_ns));
}

/* Tried all the time, and at the odd times of workers that look each few milliseconds. */
static void rate__over_ten_seconds__is_never_exceeded_and_nearly_reached(void **state)
{
	static const int64_t rates[] = { 1, 3, 7, 100, 999, 10000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		struct rate_limit limit = rate_limit_of(rates[i], rates[i], 1);
		int64_t step_ns = 10 * SECOND / 3000000, time_ns = 0;
		unsigned got = try_often(&limit, &time_ns, START_S * SECOND, step_ns, 3000000);

		/* the burst, and ten seconds of the rate */
		assert_true(got <= 11 * rates[i] + 1);
		assert_true(got >= 11 * rates[i] - 2 - rates[i] / 500);
	}
}

static void rate__of_a_coarse_unit__differs_by_less_than_a_hundredth(void **state)
{
	(void)state;
	for (int64_t rate = 1; rate <= 10000; rate++) {
		struct rate_limit limit = rate_limit_of(rate, 1, 256);
		int64_t error_ns = limit.interval_ns - SECOND / rate;

		assert_int_equal(limit.interval_ns % 256, 0);
		assert_true(error_ns * 100 < SECOND / rate && -error_ns * 100 < SECOND / rate);
	}
}

/* Another process may have written anything. */
static void time__that_cannot_be__counts_as_the_latest_that_can(void **state)
{
	static const int64_t times[] = { INT64_MAX / 2, START_S * SECOND + 100 * SECOND };
	struct rate_limit limit = rate_limit_of(10, 5, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		int64_t time_ns = times[i], due_ns;

		assert_false(rate_limit_allows(&limit, START_S * SECOND, &time_ns, &due_ns));
		assert_int_equal(due_ns, START_S * SECOND + limit.interval_ns);
		assert_true(rate_limit_allows(&limit, due_ns, &time_ns, &due_ns));
	}
}

static void time__long_ago__is_as_one_never_seen(void **state)
{
	struct rate_limit limit = rate_limit_of(10, 5, 1);
	int64_t time_ns = INT64_MIN / 2;

	(void)state;
	assert_int_equal(try_often(&limit, &time_ns, START_S * SECOND, 0, 20), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst__after_a_quiet_time__comes_at_once__and_no_more),
		cmocka_unit_test(arrival__that_is_too_early__is_told_when_it_is_in_time),
		cmocka_unit_test(rate__over_ten_seconds__is_never_exceeded_and_nearly_reached),
		cmocka_unit_test(rate__of_a_coarse_unit__differs_by_less_than_a_hundredth),
		cmocka_unit_test(time__that_cannot_be__counts_as_the_latest_that_can),
		cmocka_unit_test(time__long_ago__is_as_one_never_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
