/* SPDX-License-Identifier: MIT */
/* Tests of services/http/parse/http_field: the values that are kept, and the lines of one field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "services/http/parse/http_field.h"
#include "services/http/parse/http_parse.h"

static struct http_request asked(const char *text)
{
	struct http_request r;

	http_parse_begin(&r);
	assert_int_equal(http_parse(&r, text, strlen(text)), HTTP_WHOLE);
	return r;
}

static void text_is(struct http_text text, const char *expected)
{
	assert_non_null(text.at);
	assert_int_equal(text.length, strlen(expected));
	assert_memory_equal(text.at, expected, text.length);
}

static const char *const names[HTTP_FIELDS] = {
#define HTTP_FIELD(id, name, turn, take) [HTTP_FIELD_##id] = name,
#define HTTP_FRAMING(id, name, turn, take)
#include "tables/http_fields.def"
};

/* Each name, in lower and upper case, is that field, and no name beside it is. */
static void each_field__is_kept_by_its_name(void **state)
{
	(void)state;
	for (unsigned field = 0; field < HTTP_FIELDS; field++) {
		for (unsigned changed = 0; changed <= strlen(names[field]); changed++) {
			char name[64], text[256];
			struct http_request r;

			snprintf(name, sizeof(name), "%s", names[field]);
			if (changed > 0)
				name[changed - 1] = name[changed - 1] == '-' ? '_' : '!';
			snprintf(text, sizeof(text), "GET / HTTP/1.0\r\nA: b\r\n%s: y\r\n\r\n",
				 name);
			r = asked(text);
			for (unsigned i = 0; i < HTTP_FIELDS; i++) {
				struct http_text value = http_field_value(&r, text, i);

				if (i == field && changed == 0)
					text_is(value, "y");
				else
					assert_null(value.at);
			}
			assert_int_equal(r.repeated, 0);
		}
	}
	for (unsigned field = 0; field < HTTP_FIELDS; field++) {
		char name[64], text[256];
		struct http_request r;

		for (unsigned i = 0; i <= strlen(names[field]); i++)
			name[i] = (char)(names[field][i] >= 'a' ? names[field][i] - 'a' + 'A' :
								  names[field][i]);
		snprintf(text, sizeof(text), "GET / HTTP/1.0\r\n%s:\t z \t\r\n\r\n", name);
		r = asked(text);
		text_is(http_field_value(&r, text, field), "z");
	}
}

/* 9110 5.3: the lines of one name are one list, in their order. */
static void lines_of_one_field__are_all_found(void **state)
{
	static const struct {
		const char *lines;
		unsigned count;
		const char *values[4];
	} rows[] = {
		{ "", 0, { NULL } },
		{ "If-Match:\r\n", 1, { "" } },
		{ "If-Match: \"a\"\r\n", 1, { "\"a\"" } },
		{ "If-Match: a\r\nif-match:b\r\n", 2, { "a", "b" } },
		{ "If-Match: a\r\nA: b\r\nIf-Matches: c\r\nIF-MATCH:\t\r\nB:\r\nif-match: d \r\n",
		  3,
		  { "a", "", "d" } },
		{ "If-None-Match: a\r\nIf-Match: If-Match: b\r\nIf-Range: c\r\n",
		  1,
		  { "If-Match: b" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_text value = { 0 };
		struct http_request r;
		char text[256];
		unsigned count = 0;

		snprintf(text, sizeof(text), "GET / HTTP/1.0\r\n%s\r\nIf-Match: next request\r\n",
			 rows[i].lines);
		http_parse_begin(&r);
		assert_int_equal(http_parse(&r, text, strlen(text)), HTTP_WHOLE);
		assert_int_equal(http_field_is_repeated(&r, HTTP_FIELD_IF_MATCH),
				 rows[i].count > 1);
		while (http_field_next(&r, text, HTTP_FIELD_IF_MATCH, &value)) {
			assert_true(count < rows[i].count);
			text_is(value, rows[i].values[count++]);
		}
		assert_int_equal(count, rows[i].count);
	}
}

/* A refused head still says what was read of it, for the access log. */
static void refused__keeps_what_came_before(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nUser-Agent: a b\r\nHost: x\r\nHost: x\r\n";
	struct http_request r;

	(void)state;
	http_parse_begin(&r);
	assert_int_equal(http_parse(&r, text, strlen(text)), HTTP_WRONG);
	text_is(http_field_value(&r, text, HTTP_FIELD_USER_AGENT), "a b");
	text_is(http_field_value(&r, text, HTTP_FIELD_HOST), "x");
}

/* A sound record may point anywhere into a head of any bytes. */
static void any_head__is_read_within_its_bounds(void **state)
{
	static const char *const heads[] = { "aaaaaaaa",   "\n\n\n\n\n\n\n\n", "\r\n\r\n\r\n\r\n",
					     "\nrange:\n", "\r\n:\r\n:\r\n",   "a\nb:\r\na:" };

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		for (uint16_t at = 1; at <= 8; at++) {
			struct http_request r = { .seen = 8, .head_length = 8 };
			struct http_text value = { 0 };
			char head[8];

			memcpy(head, heads[i], sizeof(head));
			r.fields[HTTP_FIELD_RANGE].at = at;
			r.repeated = 1U << HTTP_FIELD_RANGE;
			assert_true(http_parse_is_sound(&r, 8));
			while (http_field_next(&r, head, HTTP_FIELD_RANGE, &value))
				assert_true(value.at + value.length <= head + 8);
		}
	}
}

static void lists__are_split(void **state)
{
	static const struct {
		const char *list;
		unsigned count;
		const char *parts[4];
	} rows[] = {
		{ "", 0, { NULL } },
		{ " , ,\t,", 0, { NULL } },
		{ "a", 1, { "a" } },
		{ ",a , b c,,d;e\t", 3, { "a", "b c", "d;e" } },
		{ "a;b=\"c,d\",e", 2, { "a;b=\"c,d\"", "e" } },
		{ "\"\\\",\" , b", 2, { "\"\\\",\"", "b" } },
		{ "a, \"b, c", 2, { "a", "\"b, c" } },
		{ "\"\\", 1, { "\"\\" } },
		{ "\\,a", 2, { "\\", "a" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_text list = { rows[i].list, strlen(rows[i].list) }, part;
		unsigned count = 0;

		while (http_text_next(&list, ',', &part)) {
			assert_true(count < rows[i].count);
			text_is(part, rows[i].parts[count++]);
		}
		assert_int_equal(count, rows[i].count);
	}
}

static void status__has_three_digits(void **state)
{
	static const struct {
		const char *line;
		unsigned status, next;
	} rows[] = {
		{ "404", 404, 0 },    { " 404\t500 ", 404, 500 },
		{ "404 /a", 404, 0 }, { "0404 500", 0, 500 },
		{ "40", 0, 0 },       { "4040", 0, 0 },
		{ "+40", 0, 0 },      { "40x", 0, 0 },
		{ "=404", 0, 0 },     { "", 0, 0 },
		{ " \t", 0, 0 },      { "999", 999, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *line = rows[i].line;

		assert_int_equal(http_text_status(http_text_word(&line)), rows[i].status);
		assert_int_equal(http_text_status(http_text_word(&line)), rows[i].next);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field__is_kept_by_its_name),
		cmocka_unit_test(lines_of_one_field__are_all_found),
		cmocka_unit_test(refused__keeps_what_came_before),
		cmocka_unit_test(any_head__is_read_within_its_bounds),
		cmocka_unit_test(lists__are_split),
		cmocka_unit_test(status__has_three_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
