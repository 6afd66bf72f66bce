/* SPDX-License-Identifier: MIT */
/* Tests of services/http/parse/http_date: the three formats of RFC 9110 5.6.7, and other texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "services/http/parse/http_date.h"

enum { NOW_S = 1795341600 }; /* Sun, 22 Nov 2026 10:00:00 GMT */

/* Reads in memory of just that size, so that a sanitizer sees a read beyond it. */
static bool parse(const char *bytes, size_t n, int64_t *seconds)
{
	char *exact = malloc(n > 0 ? n : 1);
	bool is_date;

	memcpy(exact, bytes, n);
	is_date = http_date_parse((struct http_text){ exact, n }, NOW_S, seconds);
	free(exact);
	return is_date;
}

static void dates__are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} rows[] = {
		/* the same date in each format */
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "Sun Nov 06 08:49:37 1994", 784111777 },
		{ "Sun Nov 20 08:49:37 1994", 785321377 },
		/* weekdays and months */
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
		{ "Tue, 29 Feb 2000 00:00:00 GMT", 951782400 },
		{ "Thu, 29 Feb 2024 23:59:59 GMT", 1709251199 },
		{ "Mon, 01 Mar 2100 00:00:00 GMT", 4107542400 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
		{ "Mon, 01 Jan 0001 00:00:00 GMT", -62135596800 },
		{ "Sat, 31 Mar 2001 00:00:00 GMT", 985996800 },
		{ "Mon, 30 Apr 2001 00:00:00 GMT", 988588800 },
		{ "Thu, 31 May 2001 00:00:00 GMT", 991267200 },
		{ "Sat, 30 Jun 2001 00:00:00 GMT", 993859200 },
		{ "Tue, 31 Jul 2001 00:00:00 GMT", 996537600 },
		{ "Fri, 31 Aug 2001 00:00:00 GMT", 999216000 },
		{ "Sun, 30 Sep 2001 00:00:00 GMT", 1001808000 },
		{ "Wed, 31 Oct 2001 00:00:00 GMT", 1004486400 },
		{ "Monday, 23-Nov-26 00:00:00 GMT", 1795392000 },
		{ "Tuesday, 24-Nov-26 00:00:00 GMT", 1795478400 },
		{ "Wednesday, 25-Nov-26 00:00:00 GMT", 1795564800 },
		{ "Thursday, 26-Nov-26 00:00:00 GMT", 1795651200 },
		{ "Friday, 27-Nov-26 00:00:00 GMT", 1795737600 },
		{ "Saturday, 28-Nov-26 00:00:00 GMT", 1795824000 },
		/* second = 2DIGIT: a leap second */
		{ "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
		/* a year of two digits is at most 50 years ahead */
		{ "Wednesday, 01-Jan-70 00:00:00 GMT", 3155760000 },
		{ "Saturday, 01-Jan-00 00:00:00 GMT", 946684800 },
		{ "Tuesday, 01-Jan-75 00:00:00 GMT", 3313526400 },
		{ "Sunday, 22-Nov-76 10:00:00 GMT", 3373264800 },
		{ "Monday, 22-Nov-76 10:00:01 GMT", 217504801 },
		{ "Friday, 31-Dec-76 00:00:00 GMT", 220838400 },
		{ "Saturday, 01-Jan-77 00:00:00 GMT", 220924800 },
		{ "Friday, 31-Dec-99 00:00:00 GMT", 946598400 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].text);
		int64_t seconds;

		if (!parse(rows[i].text, n, &seconds))
			fail_msg("no date: %s", rows[i].text);
		if (seconds != rows[i].seconds)
			fail_msg("%jd: %s", (intmax_t)seconds, rows[i].text);
		for (size_t cut = 0; cut < n; cut++)
			assert_false(parse(rows[i].text, cut, &seconds));
	}
}

static void others__are_no_dates(void **state)
{
	static const char *const texts[] = {
		"",
		"0",
		"784111777",
		"now",
		/* 5.6.7: letter case counts, and no more blanks than those there */
		"sun, 06 Nov 1994 08:49:37 GMT",
		"SUN, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 gmt",
		"Sun,  06 Nov 1994 08:49:37 GMT",
		"Sun,06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37  GMT",
		" Sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06\tNov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT; length=5",
		"Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
		/* other zones and formats */
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 +0000",
		"Sun, 06 Nov 1994 08:49:37",
		"06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49 GMT",
		"Sun, 06-Nov-1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov  6 08:49:37 1994 GMT",
		"Sun Nov  6 08:49:37 94",
		"1994-11-06T08:49:37Z",
		/* digits */
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun,  6 Nov 1994 08:49:37 GMT",
		"Sun, +6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 994 08:49:37 GMT",
		"Sun, 06 Nov 19940 08:49:37 GMT",
		"Sun, 06 Nov -994 08:49:37 GMT",
		"Sun, 06 Nov 1994 8:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:3 GMT",
		"Sun, 06 Nov 1994 08.49.37 GMT",
		"Sun, 06 Nov 1994 08:49:37.0 GMT",
		/* there is no such time, day, or weekday of that day */
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 1994 99:99:99 GMT",
		"Mon, 00 Nov 1994 08:49:37 GMT",
		"Thu, 31 Nov 1994 08:49:37 GMT",
		"Thu, 32 Dec 1994 08:49:37 GMT",
		"Wed, 29 Feb 1994 00:00:00 GMT",
		"Mon, 29 Feb 2100 00:00:00 GMT",
		"Wed, 30 Feb 2000 00:00:00 GMT",
		"Mon, 06 Nov 1994 08:49:37 GMT",
		"Monday, 06-Nov-94 08:49:37 GMT",
		"Sat Nov  6 08:49:37 1994",
		"Sat, 01 Jan 0000 00:00:00 GMT",
		"Sun, 06 Foo 1994 08:49:37 GMT",
		"Xyz, 06 Nov 1994 08:49:37 GMT",
		"Sundays, 06-Nov-94 08:49:37 GMT",
		"Tueday, 22-Nov-94 08:49:37 GMT",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t seconds;

		if (parse(texts[i], strlen(texts[i]), &seconds))
			fail_msg("a date: %s", texts[i]);
	}
}

static void date__is_written_as_rfc_9110_has_it(void **state)
{
	char text[HTTP_DATE];

	(void)state;
	assert_string_equal(http_date(784111777, text), "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_string_equal(http_date(0, text), "Thu, 01 Jan 1970 00:00:00 GMT");
	assert_string_equal(http_date(951782400, text), "Tue, 29 Feb 2000 00:00:00 GMT");
	assert_string_equal(http_date(1798761599, text), "Thu, 31 Dec 2026 23:59:59 GMT");
}

static void date__that_is_written__is_read_again(void **state)
{
	(void)state;
	for (int64_t s = -1000000000; s < 5000000000; s += 8639999) {
		char text[HTTP_DATE];
		int64_t seconds;

		http_date(s, text);
		assert_true(parse(text, strlen(text), &seconds));
		assert_int_equal(seconds, s);
	}
}

static void dates__without_a_form__are_the_nearest_with_one(void **state)
{
	char text[HTTP_DATE];

	(void)state;
	assert_string_equal(http_date(INT64_C(253402300799), text),
			    "Fri, 31 Dec 9999 23:59:59 GMT");
	assert_string_equal(http_date(INT64_C(253402300800), text),
			    "Fri, 31 Dec 9999 23:59:59 GMT");
	assert_string_equal(http_date(INT64_MAX, text), "Fri, 31 Dec 9999 23:59:59 GMT");
	assert_string_equal(http_date(-1, text), "Wed, 31 Dec 1969 23:59:59 GMT");
	assert_string_equal(http_date(INT64_MIN, text), "Mon, 01 Jan 0001 00:00:00 GMT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates__are_read),
		cmocka_unit_test(others__are_no_dates),
		cmocka_unit_test(date__is_written_as_rfc_9110_has_it),
		cmocka_unit_test(date__that_is_written__is_read_again),
		cmocka_unit_test(dates__without_a_form__are_the_nearest_with_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
