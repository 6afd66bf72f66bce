/* SPDX-License-Identifier: MIT */
/* Tests of services/http/http_range: which parts of a file are sent, and how they are announced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/http/parse/http_parse.h"
#include "services/http/http_range.h"

/* Judges in memory of just that size, so that a sanitizer sees a read beyond it. */
static unsigned judge(const char *method, const char *lines, uint64_t size,
		      struct http_ranges *ranges)
{
	size_t room = strlen(lines) + 64;
	char *text = malloc(room), *exact;
	struct http_request r;
	unsigned status;
	int n = snprintf(text, room, "%s / HTTP/1.0\r\n%s\r\n", method, lines);

	exact = malloc((size_t)n);
	memcpy(exact, text, (size_t)n);
	http_parse_begin(&r);
	assert_int_equal(http_parse(&r, exact, (size_t)n), HTTP_WHOLE);
	status = http_range_judge(&r, exact, size, ranges);
	free(exact);
	free(text);
	return status;
}

static unsigned judge_value(const char *value, uint64_t size, struct http_ranges *ranges)
{
	size_t room = strlen(value) + 64;
	char *lines = malloc(room);
	unsigned status;

	snprintf(lines, room, "Range: %s\r\n", value);
	status = judge("GET", lines, size, ranges);
	free(lines);
	return status;
}

/* Such as 0+1 5+2: offset and length of each. */
static const char *written(const struct http_ranges *ranges, char *text, size_t size)
{
	struct strbuf to = strbuf_on(text, size - 1);

	for (unsigned i = 0; i < ranges->count; i++) {
		strbuf_raw(&to, i > 0 ? " " : "");
		strbuf_u64(&to, ranges->ranges[i].offset);
		strbuf_raw(&to, "+");
		strbuf_u64(&to, ranges->ranges[i].length);
	}
	text[to.used] = '\0';
	return text;
}

static const struct {
	const char *value;
	uint64_t size;
	unsigned status;
	const char *ranges;
} values[] = {
	/* 14.1.2: positions count from 0 and include the last */
	{ "bytes=0-0", 100, 206, "0+1" },
	{ "bytes=0-99", 100, 206, "0+100" },
	{ "bytes=99-99", 100, 206, "99+1" },
	{ "bytes=10-19", 100, 206, "10+10" },
	{ "bytes=00010-0019", 100, 206, "10+10" },
	{ "bytes=10-", 100, 206, "10+90" },
	{ "bytes=0-", 100, 206, "0+100" },
	{ "bytes=10-100", 100, 206, "10+90" },
	{ "bytes=0-18446744073709551615", 100, 206, "0+100" },
	{ "bytes=0-99999999999999999999999", 100, 206, "0+100" },
	{ "bytes=-1", 100, 206, "99+1" },
	{ "bytes=-100", 100, 206, "0+100" },
	{ "bytes=-101", 100, 206, "0+100" },
	{ "bytes=-99999999999999999999999", 100, 206, "0+100" },
	{ "bytes=0-", 1, 206, "0+1" },
	{ "bytes=1-", UINT64_MAX, 206, "1+18446744073709551614" },
	/* 14.1: the unit is case-insensitive; 5.6.1: blanks and empty members in a list */
	{ "BYTES=0-0", 100, 206, "0+1" },
	{ "bytes= 0-0 ,\t2-2 , ,,", 100, 206, "0+1 2+1" },
	/* several, in the order of the request */
	{ "bytes=0-0,-1", 100, 206, "0+1 99+1" },
	{ "bytes=50-59,0-9", 100, 206, "50+10 0+10" },
	/* 15.3.7.2: those that overlap or touch become one, in the place of the first */
	{ "bytes=0-9,10-19", 100, 206, "0+20" },
	{ "bytes=10-19,0-9", 100, 206, "0+20" },
	{ "bytes=0-,0-", 100, 206, "0+100" },
	{ "bytes=0-9,9-19", 100, 206, "0+20" },
	{ "bytes=9-19,0-9", 100, 206, "0+20" },
	{ "bytes=0-99,50-50", 100, 206, "0+100" },
	{ "bytes=50-50,0-99", 100, 206, "0+100" },
	{ "bytes=0-0,2-2,0-0", 100, 206, "0+1 2+1" },
	{ "bytes=99-,-1", 100, 206, "99+1" },
	{ "bytes=-5,-6", 100, 206, "94+6" },
	{ "bytes=50-59,0-9,20-29,10-19", 100, 206, "50+10 0+30" },
	{ "bytes=0-0,9-9,4-4,2-7", 100, 206, "0+1 9+1 2+6" },
	{ "bytes=0-9,20-29,5-24", 100, 206, "0+30" },
	{ "bytes=40-49,0-9,20-29,5-24,90-", 100, 206, "40+10 0+30 90+10" },
	{ "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,"
	  "30-30",
	  100, 206, "0+1 2+1 4+1 6+1 8+1 10+1 12+1 14+1 16+1 18+1 20+1 22+1 24+1 26+1 28+1 30+1" },
	/* only one that can be satisfied remains */
	{ "bytes=100-,5-6", 100, 206, "5+2" },
	{ "bytes=5-6,-0", 100, 206, "5+2" },
	/* 14.1.2, 15.5.17: none can be satisfied */
	{ "bytes=100-", 100, 416, "" },
	{ "bytes=100-200", 100, 416, "" },
	{ "bytes=-0", 100, 416, "" },
	{ "bytes=-00", 100, 416, "" },
	{ "bytes=100-,200-300,-0", 100, 416, "" },
	{ "bytes=18446744073709551615-", 100, 416, "" },
	{ "bytes=18446744073709551616-18446744073709551617", 100, 416, "" },
	{ "bytes=99999999999999999999999-", UINT64_MAX, 416, "" },
	/* 14.2: an invalid one, or another unit, is ignored */
	{ "", 100, 200, "" },
	{ "bytes", 100, 200, "" },
	{ "bytes=", 100, 200, "" },
	{ "bytes=,", 100, 200, "" },
	{ "bytes=-", 100, 200, "" },
	{ "bytes=--1", 100, 200, "" },
	{ "bytes=1", 100, 200, "" },
	{ "bytes=1--", 100, 200, "" },
	{ "bytes=1-2-", 100, 200, "" },
	{ "bytes=1-2-3", 100, 200, "" },
	{ "bytes=-1-", 100, 200, "" },
	{ "bytes=2-1", 100, 200, "" },
	{ "bytes=200-100", 100, 200, "" },
	{ "bytes=100-99", 100, 200, "" },
	{ "bytes=0-0,2-1", 100, 200, "" },
	{ "bytes=0-0,x", 100, 200, "" },
	{ "bytes=100-,x", 100, 200, "" },
	{ "bytes=0-0;2-2", 100, 200, "" },
	{ "bytes=0 - 0", 100, 200, "" },
	{ "bytes=0-0 2-2", 100, 200, "" },
	{ "bytes=+0-0", 100, 200, "" },
	{ "bytes=0x0-0x1", 100, 200, "" },
	{ "bytes=a-b", 100, 200, "" },
	{ "bytes=0-a", 100, 200, "" },
	{ "bytes=*", 100, 200, "" },
	{ "bytes=\"0-0\"", 100, 200, "" },
	{ "bytes==0-0", 100, 200, "" },
	{ "bytes =0-0", 100, 200, "" },
	{ "bytes 0-0", 100, 200, "" },
	{ "bytes:0-0", 100, 200, "" },
	{ "=0-0", 100, 200, "" },
	{ "0-0", 100, 200, "" },
	{ "byte=0-0", 100, 200, "" },
	{ "xbytes=0-0", 100, 200, "" },
	{ "lines=0-0", 100, 200, "" },
	{ "none", 100, 200, "" },
	{ "bytes=0-0, bytes=2-2", 100, 200, "" },
	/* more than two that overlap get the whole file */
	{ "bytes=0-,0-,0-", 100, 206, "0+100" },
	{ "bytes=0-,0-,0-,0-", 100, 200, "" },
	{ "bytes=0-0,2-2,4-4,0-9", 100, 200, "" },
	{ "bytes=0-9,5-14,10-19,15-24", 100, 200, "" },
	/* an empty file is sent whole */
	{ "bytes=0-", 0, 200, "" },
	{ "bytes=0-0", 0, 200, "" },
	{ "bytes=-1", 0, 200, "" },
	{ "bytes=-0", 0, 200, "" },
	{ "bytes=5-", 0, 200, "" },
	{ "bytes=0-,-1", 0, 200, "" },
};

static void values__have_their_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct http_ranges ranges;
		char text[256];
		unsigned status = judge_value(values[i].value, values[i].size, &ranges);

		if (status != values[i].status)
			fail_msg("%u: %s", status, values[i].value);
		if (status == 206)
			assert_string_equal(written(&ranges, text, sizeof(text)), values[i].ranges);
	}
}

static void requests__without_one_valid_range__get_all(void **state)
{
	struct http_ranges ranges;

	(void)state;
	assert_int_equal(judge("GET", "", 100, &ranges), 200);
	assert_int_equal(judge("GET", "Range: bytes=0-0\r\n", 100, &ranges), 206);
	assert_int_equal(judge("GET", "Range: bytes=0-0\r\nRange: bytes=0-0\r\n", 100, &ranges),
			 200);
	assert_int_equal(judge("GET", "Range: bytes=100-\r\nrange:\r\n", 100, &ranges), 200);
	/* 14.2: the field is defined for GET only */
	assert_int_equal(judge("HEAD", "Range: bytes=0-0\r\n", 100, &ranges), 200);
	assert_int_equal(judge("HEAD", "Range: bytes=100-\r\n", 100, &ranges), 200);
	assert_int_equal(judge("POST", "Range: bytes=0-0\r\n", 100, &ranges), 200);
}

/* Up to 64 ranges, whatever they are. */
static void many__ranges__get_all(void **state)
{
	(void)state;
	for (unsigned count = HTTP_RANGES_MOST - 1; count <= HTTP_RANGES_MOST + 1; count++) {
		bool is_many = count > HTTP_RANGES_MOST;
		char ascending[1024] = "bytes=", descending[1024] = "bytes=",
		     beyond[1024] = "bytes=";
		struct http_ranges ranges;

		for (unsigned i = 0; i < count; i++) {
			size_t used[] = { strlen(ascending), strlen(descending), strlen(beyond) };

			snprintf(ascending + used[0], 16, "%u-%u,", 2 * i, 2 * i);
			snprintf(descending + used[1], 16, "%u-%u,", 500 - 2 * i, 500 - 2 * i);
			snprintf(beyond + used[2], 16, "1000-,");
		}
		assert_int_equal(judge_value(ascending, 1000, &ranges), is_many ? 200 : 206);
		assert_true(is_many || ranges.count == count);
		assert_int_equal(judge_value(descending, 1000, &ranges), is_many ? 200 : 206);
		assert_true(is_many || ranges.count == count);
		assert_int_equal(judge_value(beyond, 1000, &ranges), is_many ? 200 : 416);
	}
}

/* A line as long as there may be: no answer has more bytes than the file. */
static void endless_sets__get_all(void **state)
{
	static const char *const specs[] = { "0-,", "-1,", "1-2929,", ",", "0-0,-1,", "x", "9-" };

	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		static char value[HTTP_HEADER_MOST];
		struct strbuf text = strbuf_on(value, HTTP_HEADER_MOST - 32);
		struct http_ranges ranges;

		strbuf_raw(&text, "bytes=");
		while (!text.is_cut)
			strbuf_raw(&text, specs[i]);
		value[text.used] = '\0';
		assert_int_equal(judge_value(value, 10000, &ranges), 200);
	}
}

/* Small numbers in all combinations: the ranges are those of the text, and disjoint. */
static void pairs__are_disjoint_parts_of_the_file(void **state)
{
	enum { SIZE = 4, MOST = 6 };

	(void)state;
	for (unsigned i = 0; i < MOST * MOST * MOST * MOST; i++) {
		unsigned a = i % MOST, b = i / MOST % MOST, c = i / 36 % MOST, d = i / 216;
		struct http_ranges ranges;
		bool seen[SIZE] = { false };
		char value[64];
		unsigned status, counted = 0;

		snprintf(value, sizeof(value), "bytes=%u-%u,%u-%u", a, b, c, d);
		status = judge_value(value, SIZE, &ranges);
		if (a > b || c > d)
			assert_int_equal(status, 200);
		else if (a >= SIZE && c >= SIZE)
			assert_int_equal(status, 416);
		else
			assert_int_equal(status, 206);
		if (status != 206)
			continue;
		for (unsigned k = 0; k < ranges.count; k++) {
			for (uint64_t n = 0; n < ranges.ranges[k].length; n++) {
				uint64_t at = ranges.ranges[k].offset + n;

				assert_true(at < SIZE && !seen[at]);
				assert_true((at >= a && at <= b) || (at >= c && at <= d));
				seen[at] = true;
				counted++;
			}
		}
		for (unsigned at = 0; at < SIZE; at++)
			counted -= (at >= a && at <= b) || (at >= c && at <= d);
		assert_int_equal(counted, 0);
	}
}

static void field__names_the_range_and_the_size(void **state)
{
	static const struct {
		struct http_range range;
		uint64_t size;
		const char *line;
	} rows[] = {
		{ { 0, 1 }, 100, "Content-Range: bytes 0-0/100\r\n" },
		{ { 10, 90 }, 100, "Content-Range: bytes 10-99/100\r\n" },
		{ { 1, UINT64_MAX - 1 },
		  UINT64_MAX,
		  "Content-Range: bytes 1-18446744073709551614/18446744073709551615\r\n" },
		{ { 0, 0 }, 100, "Content-Range: bytes */100\r\n" },
		{ { 0, 0 }, 0, "Content-Range: bytes */0\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[128];
		struct strbuf text = strbuf_on(line, sizeof(line) - 1);

		http_range_field(&text, rows[i].range.length > 0 ? &rows[i].range : NULL,
				 rows[i].size);
		line[text.used] = '\0';
		assert_string_equal(line, rows[i].line);
	}
}

/* 14.6, RFC 2046 5.1.1 */
static void body__has_the_length_that_was_announced(void **state)
{
	static const struct http_ranges ranges = { 2, { { 0, 3 }, { 95, 5 } } };
	struct http_range_body body = { &ranges, "text/plain", "b0", 100 };
	char bytes[512];
	struct strbuf text = strbuf_on(bytes, sizeof(bytes) - 1);

	(void)state;
	http_range_part_head(&text, &body, 0);
	strbuf_raw(&text, "abc");
	http_range_part_head(&text, &body, 1);
	strbuf_raw(&text, "vwxyz");
	http_range_end(&text, &body);
	bytes[text.used] = '\0';
	assert_string_equal(bytes, "--b0\r\nContent-Type: text/plain\r\n"
				   "Content-Range: bytes 0-2/100\r\n\r\nabc\r\n"
				   "--b0\r\nContent-Type: text/plain\r\n"
				   "Content-Range: bytes 95-99/100\r\n\r\nvwxyz\r\n--b0--\r\n");
	assert_int_equal(http_range_body_length(&body), text.used);
	body.type = NULL;
	text.used = 0;
	http_range_part_head(&text, &body, 1);
	bytes[text.used] = '\0';
	assert_string_equal(bytes, "\r\n--b0\r\nContent-Range: bytes 95-99/100\r\n\r\n");
}

/* Where there is no room nothing is written beyond it. */
static void part_head__without_room__is_cut(void **state)
{
	static const struct http_ranges ranges = { 1, { { 0, 3 } } };
	struct http_range_body body = { &ranges, "text/plain", "b0", 100 };

	(void)state;
	for (size_t size = 0; size < 70; size++) {
		char bytes[128];
		struct strbuf text = strbuf_on(bytes, size);

		memset(bytes, '#', sizeof(bytes));
		http_range_part_head(&text, &body, 0);
		assert_int_equal(text.is_cut, size < 64);
		assert_int_equal(bytes[size], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values__have_their_ranges),
		cmocka_unit_test(requests__without_one_valid_range__get_all),
		cmocka_unit_test(many__ranges__get_all),
		cmocka_unit_test(endless_sets__get_all),
		cmocka_unit_test(pairs__are_disjoint_parts_of_the_file),
		cmocka_unit_test(field__names_the_range_and_the_size),
		cmocka_unit_test(body__has_the_length_that_was_announced),
		cmocka_unit_test(part_head__without_room__is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
