/* SPDX-License-Identifier: MIT */
/* Tests of base/clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void date__of_known_seconds(void **state)
{
	static const struct {
		int64_t seconds;
		struct date date;
	} rows[] = {
		{ 0, { 1970, 1, 1, 4, 0, 0, 0 } },
		{ 951782400, { 2000, 2, 29, 2, 0, 0, 0 } },
		{ 951868799, { 2000, 2, 29, 2, 23, 59, 59 } },
		{ 1795341600, { 2026, 11, 22, 0, 10, 0, 0 } },
		{ 4107542400, { 2100, 3, 1, 1, 0, 0, 0 } },
		{ -1, { 1969, 12, 31, 3, 23, 59, 59 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct date date = clock_date(rows[i].seconds);

		assert_memory_equal(&date, &rows[i].date, sizeof(date));
		assert_int_equal(clock_seconds(&date), rows[i].seconds);
	}
}

/* Each day from March of the year 0 to the year 2400, at another time of the day. */
static void seconds__are_the_inverse(void **state)
{
	(void)state;
	for (int64_t s = INT64_C(-62162208000); s < INT64_C(13569465600); s += 86399) {
		struct date date = clock_date(s);

		if (clock_seconds(&date) != s)
			fail_msg("%jd: %jd", (intmax_t)s, (intmax_t)clock_seconds(&date));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(date__of_known_seconds),
		cmocka_unit_test(seconds__are_the_inverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
