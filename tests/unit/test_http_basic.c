/* SPDX-License-Identifier: MIT */
/* The credentials of basic authentication: what is read, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/http/parse/http_basic.h"

static struct http_basic basic;

static bool reads(const char *value)
{
	return http_basic_read(&basic, (struct http_text){ value, strlen(value) });
}

static void credentials__are_read(void **state)
{
	static const struct {
		const char *value, *user, *password;
	} rows[] = {
		{ "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame" },
		{ "basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Aladdin", "open sesame" },
		{ "BASIC   dGVzdDoxMjPCow==  ", "test", "123\xc2\xa3" }, /* RFC 7617 2.1 */
		{ "Basic YTpiOmM=", "a", "b:c" },
		{ "Basic Og==", "", "" },
		{ "Basic YTo=", "a", "" },
		{ "Basic Pz8/OiA+Pj4=", "???", " >>>" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!reads(rows[i].value))
			fail_msg("not read: %s", rows[i].value);
		assert_string_equal(basic.user, rows[i].user);
		assert_string_equal(basic.password, rows[i].password);
	}
}

static void value__that_is_none__is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"Basic",
		"Basic ",
		"Basic  ",
		"Basic YQ==",
		"Basic YTpi=",
		"Basic YTo==",
		"Basic YTo===",
		"Basic YT=o",
		"Basic YTpiY",
		"Basic Y:",
		"Bearer YTo=",
		"BasicYTo=",
		"Basic\tYTo=",
		"Basic YTo=,YTo=",
		"Basic YTo= x",
		"Basic YQA6Yg==",
		"Basic YTpiCg==",
		"Basic fzph",
		"Basic -_8=",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (reads(rows[i]))
			fail_msg("read: %s", rows[i]);
	assert_false(http_basic_read(&basic, (struct http_text){ NULL, 0 }));
}

static void credentials__that_are_long__are_read_up_to_the_bound(void **state)
{
	char value[6 + 4 * 400 + 1];

	(void)state;
	memset(value, 'A', sizeof(value));
	memcpy(value, "Basic YTph", 10); /* "a:a", then NULs: control characters */
	for (size_t n = 6; n < sizeof(value); n++)
		assert_false(http_basic_read(&basic, (struct http_text){ value, n }) && n > 10);
	memset(value, 'Y', sizeof(value));
	for (size_t i = 6; i + 4 <= sizeof(value); i += 4)
		memcpy(value + i, "YWFh", 4);
	memcpy(value, "Basic YTph", 10);
	assert_true(http_basic_read(&basic, (struct http_text){ value, 6 + 4 * 255 }));
	assert_int_equal(basic.length, 765);
	assert_false(http_basic_read(&basic, (struct http_text){ value, 6 + 4 * 256 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials__are_read),
		cmocka_unit_test(value__that_is_none__is_refused),
		cmocka_unit_test(credentials__that_are_long__are_read_up_to_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
