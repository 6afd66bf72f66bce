/* SPDX-License-Identifier: MIT */
/* Tests of http_parse: accepted and refused requests, whole, cut and concatenated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "services/http/parse/http_parse.h"
#include "unit/http_requests.h"

/*
 * Parses the first n bytes in a memory of just that size, so that a sanitizer sees a read beyond
 * it.
 */
static enum http_progress parse(struct http_request *r, const char *bytes, size_t n)
{
	char *exact = malloc(n > 0 ? n : 1);
	enum http_progress progress;

	memcpy(exact, bytes, n);
	progress = http_parse(r, exact, n);
	assert_true(http_parse_is_sound(r, n));
	free(exact);
	return progress;
}

static void same_span(struct http_span a, struct http_span b)
{
	assert_int_equal(a.at, b.at);
	assert_int_equal(a.length, b.length);
}

static void same_request(const struct http_request *a, const struct http_request *b)
{
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->head_length, b->head_length);
	assert_int_equal(a->method, b->method);
	assert_int_equal(a->minor, b->minor);
	assert_int_equal(a->keep_alive, b->keep_alive);
	assert_int_equal(a->expect_continue, b->expect_continue);
	assert_int_equal(a->has_query, b->has_query);
	assert_int_equal(a->content_length, b->content_length);
	same_span(a->method_name, b->method_name);
	same_span(a->path, b->path);
	same_span(a->query, b->query);
	assert_memory_equal(a->fields, b->fields, sizeof(a->fields));
	assert_int_equal(a->repeated, b->repeated);
}

static void span_is(const char *bytes, struct http_span span, const char *expected)
{
	assert_int_equal(span.length, strlen(expected));
	assert_memory_equal(bytes + span.at, expected, span.length);
}

/* The bytes come one by one, and each line is overwritten before the next one is read. */
static enum http_progress parse_by_byte(struct http_request *r, const char *bytes, size_t n)
{
	char *mine = malloc(n);
	enum http_progress progress = HTTP_PART;

	memcpy(mine, bytes, n);
	http_parse_begin(r);
	for (size_t i = 1; i <= n && progress == HTTP_PART; i++) {
		progress = parse(r, mine, i);
		memset(mine, 0, r->line);
	}
	free(mine);
	return progress;
}

static void taken__have_their_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < http_taken_count; i++) {
		const struct http_taken *row = &http_taken[i];
		struct http_request r, cut;
		size_t n = strlen(row->text);

		http_parse_begin(&r);
		if (parse(&r, row->text, n) != HTTP_WHOLE)
			fail_msg("refused with %u: %s", r.status, row->text);
		assert_int_equal(r.head_length, n);
		assert_int_equal(r.status, 0);
		assert_int_equal(r.method, row->method);
		assert_int_equal(r.minor, row->minor);
		assert_int_equal(r.keep_alive, row->keep_alive);
		assert_int_equal(r.expect_continue, row->expect_continue);
		assert_int_equal(r.content_length, row->content_length);
		assert_int_equal(r.has_query, row->query != NULL);
		span_is(row->text, r.path, row->path);
		span_is(row->text, r.query, row->query ? row->query : "");
		assert_int_equal(parse(&r, row->text, n), HTTP_WHOLE);
		assert_int_equal(parse_by_byte(&cut, row->text, n), HTTP_WHOLE);
		same_request(&r, &cut);
	}
}

static void refused__have_their_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < http_refused_count; i++) {
		const struct http_refused *row = &http_refused[i];
		struct http_request r, cut;

		http_parse_begin(&r);
		if (parse(&r, row->text, row->length) != HTTP_WRONG)
			fail_msg("not refused: %s", row->text);
		if (r.status != row->status)
			fail_msg("refused with %u: %s", r.status, row->text);
		assert_false(r.keep_alive);
		assert_int_equal(parse(&r, row->text, row->length), HTTP_WRONG);
		assert_int_equal(parse_by_byte(&cut, row->text, row->length), HTTP_WRONG);
		same_request(&r, &cut);
	}
}

static void taken__cut_short__ask_for_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < http_taken_count; i++) {
		for (size_t n = 0; n < strlen(http_taken[i].text); n++) {
			struct http_request r;

			http_parse_begin(&r);
			assert_int_equal(parse(&r, http_taken[i].text, n), HTTP_PART);
		}
	}
}

/* Parses both requests of glued, whose first `cut` bytes come first. */
static void parse_pair(const char *glued, size_t n, size_t cut, const struct http_request *wanted)
{
	size_t at = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct http_request r;

		http_parse_begin(&r);
		if (cut > at && parse(&r, glued + at, cut - at) == HTTP_PART)
			assert_true(cut - at < wanted[i].head_length);
		assert_int_equal(parse(&r, glued + at, n - at), HTTP_WHOLE);
		same_request(&r, &wanted[i]);
		at += r.head_length;
	}
	assert_int_equal(at, n);
}

static void pairs__cut_anywhere__are_two_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < http_taken_count * http_taken_count; i++) {
		const char *first = http_taken[i / http_taken_count].text;
		const char *second = http_taken[i % http_taken_count].text;
		size_t n = strlen(first) + strlen(second);
		struct http_request wanted[2];
		char glued[1024];

		assert_true(n < sizeof(glued));
		memcpy(glued, first, strlen(first));
		memcpy(glued + strlen(first), second, strlen(second));
		for (unsigned k = 0; k < 2; k++) {
			const char *text = k == 0 ? first : second;

			http_parse_begin(&wanted[k]);
			assert_int_equal(parse(&wanted[k], text, strlen(text)), HTTP_WHOLE);
		}
		for (size_t cut = 0; cut <= n; cut++)
			parse_pair(glued, n, cut, wanted);
	}
}

/* The status of: before, then `count` times fill, then after; 0 when the request is whole. */
static unsigned filled(const char *before, const char *fill, size_t count, const char *after)
{
	size_t first = strlen(before), each = strlen(fill), last = strlen(after), n;
	struct http_request r, cut;
	enum http_progress progress;
	char *bytes;

	n = first + count * each + last;
	bytes = malloc(n);
	memcpy(bytes, before, first);
	for (size_t i = 0; i < count; i++)
		memcpy(bytes + first + i * each, fill, each);
	memcpy(bytes + n - last, after, last);
	http_parse_begin(&r);
	progress = parse(&r, bytes, n);
	assert_int_not_equal(progress, HTTP_PART);
	assert_int_equal(parse_by_byte(&cut, bytes, n), progress);
	same_request(&r, &cut);
	free(bytes);
	return r.status;
}

static void request_line__beyond_its_limit__is_414_or_501(void **state)
{
	static const char rest[] = " HTTP/1.1\r\nHost: x\r\n\r\n";
	size_t fits = HTTP_LINE_MOST - strlen("GET / HTTP/1.1");

	(void)state;
	assert_int_equal(filled("GET /", "a", fits, rest), 0);
	assert_int_equal(filled("GET /", "a", fits + 1, rest), 414);
	assert_int_equal(filled("GET /", "a", 3 * HTTP_HEAD_MOST, ""), 414);
	assert_int_equal(filled("\r\n\r\nGET /", "a", fits, rest), 0);
	assert_int_equal(filled("\r\n\r\nGET /", "a", fits + 1, rest), 414);
	/* a method longer than any (RFC 9112 3) */
	assert_int_equal(filled("", "a", HTTP_LINE_MOST + 2, ""), 501);
	assert_int_equal(filled("", "a", HTTP_LINE_MOST + 2, " / HTTP/1.1\r\n"), 501);
}

static void header_line__beyond_its_limit__is_431(void **state)
{
	static const char before[] = "GET / HTTP/1.0\r\nA:";

	(void)state;
	assert_int_equal(filled(before, "a", HTTP_HEADER_MOST - 2, "\r\n\r\n"), 0);
	assert_int_equal(filled(before, "a", HTTP_HEADER_MOST - 1, "\r\n\r\n"), 431);
	assert_int_equal(filled(before, "a", HTTP_HEADER_MOST, ""), 431);
}

static void head__beyond_its_limit__is_431(void **state)
{
	static const char before[] = "GET / HTTP/1.0\r\n";
	size_t left = HTTP_HEAD_MOST - strlen(before) - 2, lines = left / 1024;
	char line[1025], last[1025];

	(void)state;
	memset(line, 'a', sizeof(line));
	memcpy(line, "A:", 2);
	memcpy(line + 1022, "\r\n", 3);
	left -= lines * 1024;
	memset(last, 'a', sizeof(last));
	memcpy(last, "A:", 2);
	memcpy(last + left - 2, "\r\n\r\n", 5);
	assert_int_equal(filled(before, line, lines, last), 0);
	memcpy(last + left - 1, "\r\n\r\n", 5);
	last[left - 2] = 'a';
	assert_int_equal(filled(before, line, lines, last), 431);
	assert_int_equal(filled(before, line, lines + 2, ""), 431);
}

static void headers__beyond_their_limit__are_431(void **state)
{
	(void)state;
	assert_int_equal(filled("GET / HTTP/1.0\r\n", "A: b\r\n", HTTP_HEADERS_MOST, "\r\n"), 0);
	assert_int_equal(filled("GET / HTTP/1.0\r\n", "A: b\r\n", HTTP_HEADERS_MOST + 1, "\r\n"),
			 431);
}

static void empty_lines__a_few_before_the_request__are_ignored(void **state)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";

	(void)state;
	assert_int_equal(filled("", "\r\n", HTTP_EMPTY_LINES_MOST, request), 0);
	assert_int_equal(filled("", "\r\n", HTTP_EMPTY_LINES_MOST + 1, request), 400);
	assert_int_equal(filled("\n", "\r\n", 0, request), 400);
}

static void forbidden_bytes__are_refused_before_the_line_ends(void **state)
{
	static const char *const texts[] = { "\x16\x03\x01", "GET \x01",
					     "GET / HTTP/1.1\r\nA: \x7f", "GET\n", "\rG" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct http_request r;

		http_parse_begin(&r);
		assert_int_equal(parse(&r, texts[i], strlen(texts[i])), HTTP_WRONG);
		assert_int_equal(r.status, 400);
	}
}

/* Each byte at each place of a small request: the result is the same whole and byte by byte. */
static void any_byte_anywhere__is_judged_alike_whole_and_cut(void **state)
{
	static const char request[] = "GET /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
	char bytes[sizeof(request)];

	(void)state;
	for (size_t at = 0; at + 1 < sizeof(request); at++) {
		for (unsigned c = 0; c < 256; c++) {
			struct http_request r, cut;
			enum http_progress progress;

			memcpy(bytes, request, sizeof(request));
			bytes[at] = (char)c;
			http_parse_begin(&r);
			progress = parse(&r, bytes, sizeof(request) - 1);
			assert_int_equal(parse_by_byte(&cut, bytes, sizeof(request) - 1), progress);
			same_request(&r, &cut);
			if (c < ' ' && c != '\t' && c != (unsigned char)request[at])
				assert_int_equal(progress, HTTP_WRONG);
		}
	}
}

static void sound__is_only_what_fits_the_bytes(void **state)
{
	static const char request[] = "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n";
	size_t n = strlen(request);
	struct http_request r, bad;

	(void)state;
	http_parse_begin(&r);
	assert_true(http_parse_is_sound(&r, 0));
	http_parse(&r, request, n);
	assert_true(http_parse_is_sound(&r, n));
	assert_false(http_parse_is_sound(&r, n - 1));
	bad = r;
	bad.query.length = UINT32_MAX;
	assert_false(http_parse_is_sound(&bad, n));
	bad = r;
	bad.line = bad.seen + 1;
	assert_false(http_parse_is_sound(&bad, n));
	for (unsigned i = 0; i < HTTP_FIELDS; i++) {
		bad = r;
		bad.fields[i] = (struct http_field_span){ 0, 1 };
		assert_false(http_parse_is_sound(&bad, n));
		bad.fields[i] = (struct http_field_span){ (uint16_t)n, 1 };
		assert_false(http_parse_is_sound(&bad, n));
		bad.fields[i] = (struct http_field_span){ UINT16_MAX, UINT16_MAX };
		assert_false(http_parse_is_sound(&bad, UINT32_MAX));
	}
	bad = r;
	bad.repeated = 1U << HTTP_FIELD_RANGE;
	assert_false(http_parse_is_sound(&bad, n));
	bad.fields[HTTP_FIELD_RANGE] = (struct http_field_span){ (uint16_t)n, 0 };
	assert_true(http_parse_is_sound(&bad, n));
	bad.repeated = (uint16_t)(1U << HTTP_FIELDS);
	assert_false(http_parse_is_sound(&bad, n));
	bad = r;
	bad.status = 200;
	assert_false(http_parse_is_sound(&bad, n));
	memset(&bad, 0xff, sizeof(bad));
	assert_false(http_parse_is_sound(&bad, n));
	memset(&bad, 0x02, sizeof(bad));
	assert_false(http_parse_is_sound(&bad, UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken__have_their_facts),
		cmocka_unit_test(refused__have_their_status),
		cmocka_unit_test(taken__cut_short__ask_for_more),
		cmocka_unit_test(pairs__cut_anywhere__are_two_requests),
		cmocka_unit_test(request_line__beyond_its_limit__is_414_or_501),
		cmocka_unit_test(header_line__beyond_its_limit__is_431),
		cmocka_unit_test(head__beyond_its_limit__is_431),
		cmocka_unit_test(headers__beyond_their_limit__are_431),
		cmocka_unit_test(empty_lines__a_few_before_the_request__are_ignored),
		cmocka_unit_test(forbidden_bytes__are_refused_before_the_line_ends),
		cmocka_unit_test(any_byte_anywhere__is_judged_alike_whole_and_cut),
		cmocka_unit_test(sound__is_only_what_fits_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
