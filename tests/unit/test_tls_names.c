/* SPDX-License-Identifier: MIT */
/* Names of clients and of certificates: what is one, and which covers which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tls/names.h"

#define LABEL63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static void names__that_are_odd__are_read_or_taken_for_none(void **state)
{
	static const struct {
		const char *bytes, *name; /* NULL: none */
	} rows[] = {
		{ "example.com", "example.com" },
		{ "EXAMPLE.com", "example.com" },
		{ "example.com.", "example.com" },
		{ "a.b.Example.COM", "a.b.example.com" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "_dav.example", "_dav.example" },
		{ "localhost", "localhost" },
		{ LABEL63 ".example", LABEL63 ".example" },
		{ "1.example", "1.example" },
		{ "", NULL },
		{ ".", NULL },
		{ "..", NULL },
		{ ".example.com", NULL },
		{ "example..com", NULL },
		{ "example.com..", NULL },
		{ "192.0.2.1", NULL },
		{ "192.0.2.1.", NULL },
		{ "::1", NULL },
		{ "[::1]", NULL },
		{ "*.example.com", NULL },
		{ "b\xc3\xbc"
		  "cher.example",
		  NULL },
		{ "two words", NULL },
		{ "a/b", NULL },
		{ LABEL63 "x.example", NULL },
	};
	char name[TLS_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool is_name = tls_names_read(rows[i].bytes, strlen(rows[i].bytes), name);

		if (is_name != (rows[i].name != NULL))
			fail_msg("%s", rows[i].bytes);
		if (is_name)
			assert_string_equal(name, rows[i].name);
	}
}

static void names__with_a_nul_or_too_long__are_none(void **state)
{
	char bytes[255], name[TLS_NAME_SIZE];

	(void)state;
	assert_false(tls_names_read("a.example\0.b", 12, name));
	assert_false(tls_names_read("a.example\0", 10, name));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i % 2 != 0 ? '.' : 'a';
	assert_true(tls_names_read(bytes, 253, name));
	assert_int_equal(strlen(name), 253);
	assert_true(tls_names_read(bytes, 254, name)); /* the last byte is a dot */
	assert_false(tls_names_read(bytes, 255, name));
	memset(bytes, 'a', sizeof(bytes));
	assert_false(tls_names_read(bytes, 254, name));
	assert_false(tls_names_read(bytes, 64, name));
}

static void patterns__have_a_star_only_as_their_first_label(void **state)
{
	static const struct {
		const char *bytes;
		bool is_pattern;
	} rows[] = {
		{ "*.Example.com", true },
		{ "www.example.com", true },
		{ "*.com.", true },
		{ "*", false },
		{ "*.", false },
		{ "w*.example.com", false },
		{ "*w.example.com", false },
		{ "a.*.com", false },
		{ "*.*.com", false },
		{ "**.com", false },
		{ "192.0.2.1", false },
		{ "", false },
	};
	char pattern[TLS_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (tls_names_read_pattern(rows[i].bytes, strlen(rows[i].bytes), pattern) !=
		    rows[i].is_pattern)
			fail_msg("%s", rows[i].bytes);
}

static enum tls_cover cover(const char *const *patterns, const char *asked)
{
	struct tls_names names = { 0 };
	char name[TLS_NAME_SIZE];
	enum tls_cover found;

	for (size_t i = 0; patterns[i]; i++)
		assert_true(tls_names_add(&names, patterns[i], strlen(patterns[i])));
	assert_true(tls_names_read(asked, strlen(asked), name));
	found = tls_names_cover(&names, name);
	tls_names_free(&names);
	return found;
}

static void covering__follows_rfc_6125(void **state)
{
	static const char *const wildcard[] = { "*.Example.COM", NULL };
	static const char *const both[] = { "*.example.com", "WWW.example.com.", NULL };

	(void)state;
	assert_int_equal(cover(wildcard, "a.example.com"), COVER_WILDCARD);
	assert_int_equal(cover(wildcard, "A.EXAMPLE.com."), COVER_WILDCARD);
	assert_int_equal(cover(wildcard, "xn--a.example.com"), COVER_WILDCARD);
	assert_int_equal(cover(wildcard, "a.b.example.com"), COVER_NONE);
	assert_int_equal(cover(wildcard, "example.com"), COVER_NONE);
	assert_int_equal(cover(wildcard, "aexample.com"), COVER_NONE);
	assert_int_equal(cover(wildcard, "a.example.org"), COVER_NONE);
	assert_int_equal(cover(both, "www.example.com"), COVER_EXACT);
	assert_int_equal(cover(both, "w.example.com"), COVER_WILDCARD);
}

static void lists__keep_each_name_once_and_skip_what_is_none(void **state)
{
	struct tls_names names = { 0 };

	(void)state;
	assert_true(tls_names_add(&names, "A.example", 9));
	assert_true(tls_names_add(&names, "a.EXAMPLE.", 10));
	assert_true(tls_names_add(&names, "a\0b.example", 11));
	assert_true(tls_names_add(&names, "f*.example", 10));
	assert_int_equal(names.count, 1);
	assert_true(tls_names_has(&names, "a.example"));
	tls_names_free(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names__that_are_odd__are_read_or_taken_for_none),
		cmocka_unit_test(names__with_a_nul_or_too_long__are_none),
		cmocka_unit_test(patterns__have_a_star_only_as_their_first_label),
		cmocka_unit_test(covering__follows_rfc_6125),
		cmocka_unit_test(lists__keep_each_name_once_and_skip_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
