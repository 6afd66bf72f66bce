/* SPDX-License-Identifier: MIT */
/* The pace of a connection, on a clock that the test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/pace.h"

#define START_US INT64_C(1000000000000)
#define SECOND   INT64_C(1000000)

/* A client that takes all; each timer is late by late_us. Returns the bytes of so many seconds. */
static size_t send_for(int64_t rate, int64_t seconds, int64_t late_us, unsigned *sends)
{
	const struct listen_conf conf = { .limit_rate = rate };
	struct record r = { .paced_us = 0 };
	size_t sum = 0;

	*sends = 0;
	for (int64_t now_us = START_US; now_us < START_US + seconds * SECOND;) {
		size_t most = pace_allowed(&conf, &r, now_us);

		assert_true(most > 0);
		pace_note_sent(&conf, &r, most, now_us);
		sum += most;
		++*sends;
		assert_true(pace_pauses(&conf, &r, now_us / 1000));
		assert_int_equal(pace_allowed(&conf, &r, now_us), 0);
		now_us = pace_next_ms(&conf, &r) * 1000 + late_us;
	}
	return sum;
}

static void rate__over_seconds__is_kept_within_a_tenth(void **state)
{
	static const int64_t rates[] = { 1024, 10000, 1 << 20, 1 << 30 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		for (int64_t late_us = 0; late_us <= 40000; late_us += 10000) {
			unsigned sends;
			size_t sum = send_for(rates[i], 3, late_us, &sends);

			assert_in_range(sum, rates[i] * 3 * 9 / 10, rates[i] * 3 * 11 / 10);
			assert_in_range(sends, 20, 31);
		}
	}
}

/* Silence is no credit for more than a moment. */
static void silence__for_a_day__counts_as_a_moment(void **state)
{
	const struct listen_conf conf = { .limit_rate = 10000 };
	struct record r = { .paced_us = 0 };

	(void)state;
	assert_in_range(pace_allowed(&conf, &r, START_US), 1000, 2000);
	assert_in_range(pace_allowed(&conf, &r, START_US + 86400 * SECOND), 1000, 2000);
}

/* A client that takes little at a time has paid for no more than that. */
static void client__that_takes_a_part__may_have_the_rest(void **state)
{
	const struct listen_conf conf = { .limit_rate = 10000 };
	struct record r = { .paced_us = 0 };

	(void)state;
	pace_note_sent(&conf, &r, 100, START_US);
	assert_false(pace_pauses(&conf, &r, START_US / 1000));
	assert_in_range(pace_allowed(&conf, &r, START_US), 1000, 1900);
	/* however many bytes went out, the pause is not longer than a slice */
	pace_note_sent(&conf, &r, 1 << 20, START_US);
	assert_in_range(pace_next_ms(&conf, &r), START_US / 1000, START_US / 1000 + 100);
}

static void connection__without_a_rate__never_pauses(void **state)
{
	const struct listen_conf conf = { .limit_rate = 0 };
	struct record r = { .paced_us = START_US };

	(void)state;
	assert_int_equal(pace_allowed(&conf, &r, START_US), SIZE_MAX);
	pace_note_sent(&conf, &r, 1 << 20, START_US);
	assert_false(pace_pauses(&conf, &r, START_US / 1000));
	assert_int_equal(pace_next_ms(&conf, &r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate__over_seconds__is_kept_within_a_tenth),
		cmocka_unit_test(silence__for_a_day__counts_as_a_moment),
		cmocka_unit_test(client__that_takes_a_part__may_have_the_rest),
		cmocka_unit_test(connection__without_a_rate__never_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
