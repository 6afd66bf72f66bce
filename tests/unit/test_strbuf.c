/* SPDX-License-Identifier: MIT */
/* Tests of base/strbuf: every form, and the end of the memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

static char room[512];

/* The n bytes as an escaping writer writes them. */
static const char *escaped(enum strbuf_form form, const char *bytes, size_t n)
{
	struct strbuf text = strbuf_on(room, sizeof(room) - 1);

	strbuf_escaped(&text, form, bytes, n);
	assert_false(text.is_cut);
	room[text.used] = '\0';
	return room;
}

static void put__that_does_not_fit__is_left_out_whole(void **state)
{
	struct strbuf text = strbuf_on(room, 5);

	(void)state;
	strbuf_raw(&text, "1234");
	strbuf_raw(&text, "56");
	assert_true(text.is_cut);
	strbuf_raw(&text, "5");
	assert_int_equal(text.used, 4);
	assert_memory_equal(room, "1234", 4);
}

static void put__that_fits_exactly__is_not_cut(void **state)
{
	struct strbuf text = strbuf_on(room, 4);

	(void)state;
	strbuf_raw(&text, "1234");
	strbuf_raw(&text, "");
	assert_false(text.is_cut);
	assert_int_equal(text.used, 4);
}

static void numbers__are_as_printf_has_them(void **state)
{
	static const uint64_t values[] = {
		0,          1,           9,    10,      11,        99,         100,
		101,        999,         1000, 1234567, INT64_MAX, UINT64_MAX, UINT64_MAX - 1,
		1000000000, 10000000000,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct strbuf text = strbuf_on(room, sizeof(room));
		int64_t negative = (int64_t)(0 - values[i]);
		char expected[64];

		strbuf_u64(&text, values[i]);
		strbuf_raw(&text, " ");
		strbuf_i64(&text, negative);
		snprintf(expected, sizeof(expected), "%" PRIu64 " %" PRId64, values[i], negative);
		assert_int_equal(text.used, strlen(expected));
		assert_memory_equal(room, expected, text.used);
	}
}

static void grouped__has_a_comma_before_each_three_digits(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 9812, "9,812" },
		{ 100000, "100,000" },
		{ 1000001, "1,000,001" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct strbuf text = strbuf_on(room, sizeof(room) - 1);

		strbuf_grouped(&text, rows[i].value);
		room[text.used] = '\0';
		assert_string_equal(room, rows[i].text);
	}
}

static void i64__of_the_least_number__is_written(void **state)
{
	struct strbuf text = strbuf_on(room, sizeof(room));

	(void)state;
	strbuf_i64(&text, INT64_MIN);
	assert_int_equal(text.used, 20);
	assert_memory_equal(room, "-9223372036854775808", 20);
}

static void micros__have_no_zeros_at_the_end(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1, "0.000001" },
		{ 10, "0.00001" },
		{ 1500000, "1.5" },
		{ 2000000, "2" },
		{ 999999, "0.999999" },
		{ 1000001, "1.000001" },
		{ 100000000, "100" },
		{ 1050000, "1.05" },
		{ UINT64_MAX, "18446744073709.551615" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct strbuf text = strbuf_on(room, sizeof(room) - 1);

		strbuf_micros(&text, rows[i].value);
		room[text.used] = '\0';
		assert_string_equal(room, rows[i].text);
	}
}

static void numbers__that_do_not_fit__are_left_out_whole(void **state)
{
	struct strbuf text = strbuf_on(room, 3);

	(void)state;
	strbuf_u64(&text, 1234);
	assert_int_equal(text.used, 0);
	assert_true(text.is_cut);
	text = strbuf_on(room, 4);
	strbuf_grouped(&text, 1234);
	assert_int_equal(text.used, 0);
	text = strbuf_on(room, 3);
	strbuf_i64(&text, -123);
	assert_int_equal(text.used, 0);
	text = strbuf_on(room, 3);
	strbuf_micros(&text, 1250000);
	assert_int_equal(text.used, 0);
}

static void escaped__in_every_form(void **state)
{
	static const struct {
		const char *from, *to[4]; /* LOGFMT, JSON, HTML, LABEL */
	} rows[] = {
		{ "", { "", "", "", "" } },
		{ "plain = <-", { "plain = <-", "plain = <-", "plain = &lt;-", "plain = <-" } },
		{ "\"\\", { "\\\"\\\\", "\\\"\\\\", "&quot;\\", "\\\"\\\\" } },
		{ "<a href='x'>&",
		  { "<a href='x'>&", "<a href='x'>&", "&lt;a href=&#39;x&#39;&gt;&amp;",
		    "<a href='x'>&" } },
		{ "a\nb", { "a\\nb", "a\\nb", "a\ufffdb", "a\\nb" } },
		{ "\b\t\f\r",
		  { "\\b\\t\\f\\r", "\\b\\t\\f\\r", "\ufffd\ufffd\ufffd\ufffd",
		    "\ufffd\ufffd\ufffd\ufffd" } },
		{ "\x1b[2J\x7f",
		  { "\\u001b[2J\\u007f", "\\u001b[2J\\u007f", "\ufffd[2J\ufffd",
		    "\ufffd[2J\ufffd" } },
		{ "\xc2\x80\xc2\x9b\xc2\xa0",
		  { "\\u0080\\u009b\xc2\xa0", "\\u0080\\u009b\xc2\xa0", "\ufffd\ufffd\xc2\xa0",
		    "\ufffd\ufffd\xc2\xa0" } },
		{ "é我😀", { "é我😀", "é我😀", "é我😀", "é我😀" } },
		/* a continuation byte, overlong, a surrogate, beyond Unicode, a cut character */
		{ "\x80", { "\\x80", "\\ufffd", "\ufffd", "\ufffd" } },
		{ "\xc0\xaf", { "\\xc0\\xaf", "\\ufffd\\ufffd", "\ufffd\ufffd", "\ufffd\ufffd" } },
		{ "\xed\xa0\x80",
		  { "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd", "\ufffd\ufffd\ufffd",
		    "\ufffd\ufffd\ufffd" } },
		{ "\xf4\x90\x80\x80",
		  { "\\xf4\\x90\\x80\\x80", "\\ufffd\\ufffd\\ufffd\\ufffd",
		    "\ufffd\ufffd\ufffd\ufffd", "\ufffd\ufffd\ufffd\ufffd" } },
		{ "\xe6\x88", { "\\xe6\\x88", "\\ufffd\\ufffd", "\ufffd\ufffd", "\ufffd\ufffd" } },
		{ "\xe6\x88x",
		  { "\\xe6\\x88x", "\\ufffd\\ufffdx", "\ufffd\ufffdx", "\ufffd\ufffdx" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned form = 0; form < 4; form++)
			assert_string_equal(escaped(form, rows[i].from, SIZE_MAX),
					    rows[i].to[form]);
	}
}

static void escaped__stops_at_the_bound_of_an_array(void **state)
{
	static const char unterminated[4] = { 'a', 'b', 'c', 'd' };
	static const char cut[3] = { 'a', '\xe6', '\x88' };

	(void)state;
	assert_string_equal(escaped(STRBUF_JSON, unterminated, sizeof(unterminated)), "abcd");
	assert_string_equal(escaped(STRBUF_JSON, unterminated, 0), "");
	assert_string_equal(escaped(STRBUF_LOGFMT, cut, sizeof(cut)), "a\\xe6\\x88");
	assert_string_equal(escaped(STRBUF_HTML, "ab\0cd", 5), "ab");
	/* the rest of the character is beyond the bound and must not be read */
	assert_string_equal(escaped(STRBUF_LOGFMT, "我", 2), "\\xe6\\x88");
}

static void escaped__is_cut_between_characters(void **state)
{
	static const char from[] = "ab我\n<z";
	static const char *const wanted[] = { "", "a", "ab", "ab", "ab", "ab我" };

	(void)state;
	for (size_t size = 0; size < sizeof(wanted) / sizeof(wanted[0]); size++) {
		struct strbuf text = strbuf_on(room, size);

		memset(room, '#', 16);
		strbuf_escaped(&text, STRBUF_HTML, from, SIZE_MAX);
		assert_true(text.is_cut);
		assert_int_equal(text.used, strlen(wanted[size]));
		assert_memory_equal(room, wanted[size], text.used);
		assert_int_equal(room[size], '#');
		strbuf_raw(&text, "");
		assert_true(text.is_cut);
	}
}

static void escaped__of_what_fits_exactly__is_not_cut(void **state)
{
	struct strbuf text = strbuf_on(room, 6);

	(void)state;
	strbuf_escaped(&text, STRBUF_JSON, "abc\"d", SIZE_MAX);
	assert_false(text.is_cut);
	assert_int_equal(text.used, 6);
	strbuf_escaped(&text, STRBUF_JSON, "", SIZE_MAX);
	assert_false(text.is_cut);
}

static void bare__is_what_needs_no_quotes(void **state)
{
	static const char *const bare[] = { "a", "127.0.0.1:80", "我", "<'&>", "/x?y" };
	static const char *const not [] = { "",    " ",    "a b",  "a=b",      "\"",  "\\",
					    "a\n", "\x7f", "\xff", "\xc2\x9b", "\xe6" };

	(void)state;
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
		assert_true(strbuf_is_bare(bare[i]));
	for (size_t i = 0; i < sizeof(not ) / sizeof(not [0]); i++)
		assert_false(strbuf_is_bare(not [i]));
}

static const char *uri(const char *bytes, size_t n, const char *also)
{
	struct strbuf text = strbuf_on(room, sizeof(room) - 1);

	strbuf_uri(&text, bytes, n, also);
	assert_false(text.is_cut);
	room[text.used] = '\0';
	return room;
}

static void uri__has_all_bytes_but_unreserved_ones_escaped(void **state)
{
	static const char unreserved[] = "ABCXYZabcxyz0189-._~";
	struct strbuf text = strbuf_on(room, 4);

	(void)state;
	assert_string_equal(uri(unreserved, strlen(unreserved), ""), unreserved);
	assert_string_equal(uri("/?#%&+ ", 7, ""), "%2F%3F%23%25%26%2B%20");
	assert_string_equal(uri("a\0\x7f\x80\xff", 5, "/"), "a%00%7F%80%FF");
	assert_string_equal(uri("/a/b c/", 7, "/"), "/a/b%20c/");
	assert_string_equal(uri("", 0, "/"), "");
	strbuf_uri(&text, "a ", 2, "");
	assert_false(text.is_cut);
	strbuf_uri(&text, " ", 1, "");
	assert_true(text.is_cut);
	assert_memory_equal(room, "a%20", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put__that_does_not_fit__is_left_out_whole),
		cmocka_unit_test(put__that_fits_exactly__is_not_cut),
		cmocka_unit_test(numbers__are_as_printf_has_them),
		cmocka_unit_test(grouped__has_a_comma_before_each_three_digits),
		cmocka_unit_test(i64__of_the_least_number__is_written),
		cmocka_unit_test(micros__have_no_zeros_at_the_end),
		cmocka_unit_test(numbers__that_do_not_fit__are_left_out_whole),
		cmocka_unit_test(escaped__in_every_form),
		cmocka_unit_test(escaped__stops_at_the_bound_of_an_array),
		cmocka_unit_test(escaped__is_cut_between_characters),
		cmocka_unit_test(escaped__of_what_fits_exactly__is_not_cut),
		cmocka_unit_test(uri__has_all_bytes_but_unreserved_ones_escaped),
		cmocka_unit_test(bare__is_what_needs_no_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
