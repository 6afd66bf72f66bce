/* SPDX-License-Identifier: MIT */
/* Tests of master/respawn_backoff.h: the delay of a slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "master/respawn_backoff.h"

static int64_t die_early(struct respawn_backoff *history)
{
	return respawn_backoff_ms(history, 10, false);
}

static void delay__after_a_long_life__is_none(void **state)
{
	struct respawn_backoff history = { 0 };

	(void)state;
	assert_int_equal(respawn_backoff_ms(&history, RESPAWN_BACKOFF_HEALTHY_MS, false), 0);
}

static void delay__just_short_of_a_long_life__is_the_first(void **state)
{
	struct respawn_backoff history = { 0 };

	(void)state;
	assert_int_equal(respawn_backoff_ms(&history, RESPAWN_BACKOFF_HEALTHY_MS - 1, false), 100);
}

static void delay__after_a_short_life_that_served__is_none(void **state)
{
	struct respawn_backoff history = { 0 };

	(void)state;
	assert_int_equal(respawn_backoff_ms(&history, 0, true), 0);
}

static void delay__after_each_early_death__doubles_up_to_the_most(void **state)
{
	static const int64_t expected[] = { 100,  200,   400,   800,   1600, 3200,
					    6400, 12800, 25600, 30000, 30000 };
	struct respawn_backoff history = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		assert_int_equal(die_early(&history), expected[i]);
}

static void delay__after_very_many_early_deaths__stays_the_most(void **state)
{
	struct respawn_backoff history = { .early = 4000000000U };

	(void)state;
	assert_int_equal(die_early(&history), RESPAWN_BACKOFF_MOST_MS);
	assert_int_equal(die_early(&history), RESPAWN_BACKOFF_MOST_MS);
}

static void delay__after_a_healthy_life_in_between__begins_anew(void **state)
{
	struct respawn_backoff history = { 0 };

	(void)state;
	die_early(&history);
	die_early(&history);
	assert_int_equal(respawn_backoff_ms(&history, 5, true), 0);
	assert_int_equal(die_early(&history), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delay__after_a_long_life__is_none),
		cmocka_unit_test(delay__just_short_of_a_long_life__is_the_first),
		cmocka_unit_test(delay__after_a_short_life_that_served__is_none),
		cmocka_unit_test(delay__after_each_early_death__doubles_up_to_the_most),
		cmocka_unit_test(delay__after_very_many_early_deaths__stays_the_most),
		cmocka_unit_test(delay__after_a_healthy_life_in_between__begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
