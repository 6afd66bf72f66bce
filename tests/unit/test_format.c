/* SPDX-License-Identifier: MIT */
/* Tests of ctl/format: short forms of numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/format.h"

static void numbers__are_short_and_rounded_down(void **state)
{
	char text[FORMAT_TEXT];

	(void)state;
	assert_string_equal(format_count(0, text), "0");
	assert_string_equal(format_count(9999, text), "9999");
	assert_string_equal(format_count(10000, text), "10.0k");
	assert_string_equal(format_count(12399, text), "12.3k");
	assert_string_equal(format_count(999999, text), "999k");
	assert_string_equal(format_count(4500000, text), "4.5M");
	assert_string_equal(format_count(UINT64_MAX, text), "18.4E");
	assert_string_equal(format_bytes(1023, text), "1023");
	assert_string_equal(format_bytes(1024, text), "1.0k");
	assert_string_equal(format_bytes(1024 * 1024 - 1, text), "1023k");
	assert_string_equal(format_bytes(UINT64_MAX, text), "15.9E");
}

static void times__have_two_units_at_most(void **state)
{
	char text[FORMAT_TEXT];

	(void)state;
	assert_string_equal(format_age(-5, text), "0s");
	assert_string_equal(format_age(59, text), "59s");
	assert_string_equal(format_age(200, text), "3m20s");
	assert_string_equal(format_age(8100, text), "2h15m");
	assert_string_equal(format_age(12 * 86400 + 4 * 3600, text), "12d4h");
	assert_string_equal(format_span(0, text), "0us");
	assert_string_equal(format_span(999, text), "999us");
	assert_string_equal(format_span(1500, text), "1.5ms");
	assert_string_equal(format_span(850000, text), "850ms");
	assert_string_equal(format_span(1500000, text), "1.5s");
	assert_string_equal(format_span(200000000, text), "3m20s");
	assert_non_null(format_age(INT64_MAX, text));
	assert_non_null(format_age(INT64_MIN, text));
	assert_non_null(format_span(INT64_MAX, text));
}

static void shares__have_one_digit_below_a_hundred(void **state)
{
	char text[FORMAT_TEXT];

	(void)state;
	assert_string_equal(format_percent(-1, text), "0.0");
	assert_string_equal(format_percent(3, text), "0.3");
	assert_string_equal(format_percent(999, text), "99.9");
	assert_string_equal(format_percent(1005, text), "100");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers__are_short_and_rounded_down),
		cmocka_unit_test(times__have_two_units_at_most),
		cmocka_unit_test(shares__have_one_digit_below_a_hundred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
