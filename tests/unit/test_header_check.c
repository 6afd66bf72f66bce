/* SPDX-License-Identifier: MIT */
/* Tests of services/files/header_check: what may stand in a header line. tests/cli has messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/files/header_check.h"

struct row {
	const char *text;
	bool is_good;
};

static char type[128], cache_control[256];

static bool check(struct err *err)
{
	const struct listen_conf conf = { .default_type = type, .cache_control = cache_control };

	return header_check(&conf, err);
}

static void assert_rows(char *option, size_t size, const char *name, const struct row *rows,
			size_t count)
{
	struct err err;

	for (size_t i = 0; i < count; i++) {
		snprintf(type, sizeof(type), "text/plain");
		cache_control[0] = '\0';
		snprintf(option, size, "%s", rows[i].text);
		if (check(&err) != rows[i].is_good)
			fail_msg("%s: %s", name, rows[i].text);
		if (!rows[i].is_good)
			assert_int_equal(strncmp(err.text, name, strlen(name)), 0);
	}
}
#define ASSERT_ROWS(option, name, rows) \
	assert_rows(option, sizeof(option), name, rows, sizeof(rows) / sizeof(*(rows)))

static void type__is_one_and_its_parameters(void **state)
{
	static const struct row rows[] = {
		{ "text/html", true },
		{ "text/html;charset=utf-8", true },
		{ "text/html ; charset=utf-8 ; x=y", true },
		{ "a/b; c=\"\"", true },
		{ "a/b; c=\"d;e, f\"; g=h", true },
		{ "a/b; c=\"\\\"\\\\\"", true },
		{ "", false },
		{ "text", false },
		{ "text/", false },
		{ "/html", false },
		{ " text/html", false },
		{ "text/html html", false },
		{ "text/html;", false },
		{ "a/b ;;; ;", false },
		{ "a/b; c", false },
		{ "a/b; c=", false },
		{ "a/b; =c", false },
		{ "a/b; c =d", false },
		{ "a/b; c=d e", false },
		{ "a/b; c=\"d", false },
		{ "a/b; c=\"", false },
		{ "a/b; c=\"d\\", false },
		{ "a/b; c=\"d\\\"", false },
		{ "a/b; c=\"d\"e\"", false },
		{ "a/b; c=\"d\"e", false },
		{ "a/b; c=d\"e\"", false },
		{ "a/b; c=\"\td\"", false },
		{ "a/b; c=\"\x7f\"", false },
	};

	(void)state;
	ASSERT_ROWS(type, "default_type: ", rows);
}

static void cache_control__is_a_list_of_directives(void **state)
{
	static const struct row rows[] = {
		{ "", true },
		{ "no-cache", true },
		{ "public,max-age=3600 , immutable", true },
		{ "private=\"x, y\", S-MaxAge=0", true },
		{ "x=y", true },
		{ ",", false },
		{ " ", false },
		{ "public,", false },
		{ ",public", false },
		{ "public,,immutable", false },
		{ "public immutable", false },
		{ "30d", false },
		{ "max-age", false },
		{ "max-age=", false },
		{ "MAX-AGE=1h", false },
		{ "max-age=\"1\"", false },
		{ "s-maxage=-1", false },
		{ "private=\"x\"y\"", false },
		{ "private=\"x", false },
		{ "public\n", false },
	};

	(void)state;
	ASSERT_ROWS(cache_control, "cache_control: ", rows);
}

static void header__is_a_name_and_a_value_of_its_own(void **state)
{
	static const struct row rows[] = {
		{ "X-A: b", true },
		{ "X-A: b: c", true },
		{ "X-A: \xc3\xa4", true },
		{ "X-A", false },
		{ "X-A:b", false },
		{ "X-A: ", false },
		{ ": b", false },
		{ "X A: b", false },
		{ "X-A: b\r\nX-C: d", false },
		{ "Date: x", false },
		{ "content-LENGTH: 1", false },
		{ "Location: /", false },
		{ "Dates: x", true },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[64], *texts[] = { text, NULL }, none[1] = "", plain[] = "text/plain";
		const struct listen_conf conf = { .default_type = plain,
						  .cache_control = none,
						  .headers = { texts, 1 } };

		snprintf(text, sizeof(text), "%s", rows[i].text);
		if (header_check(&conf, &err) != rows[i].is_good)
			fail_msg("%s", text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(type__is_one_and_its_parameters),
		cmocka_unit_test(cache_control__is_a_list_of_directives),
		cmocka_unit_test(header__is_a_name_and_a_value_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
