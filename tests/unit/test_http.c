/* SPDX-License-Identifier: MIT */
/* Tests of services/http/http: heads, framing, and the lack of room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "services/http/http.h"

enum { ROOM = 70000 };

static char room[ROOM + 1];
static struct buf out;

static int set_up(void **state)
{
	(void)state;
	out = (struct buf){ .base = room, .size = ROOM };
	return 0;
}

static struct http_request asked(const char *text)
{
	struct http_request request;

	http_parse_begin(&request);
	http_parse(&request, text, strlen(text));
	return request;
}

static struct http_request asked_11(void)
{
	return asked("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
}

/* The contents of out, with its date replaced by D. */
static const char *written(void)
{
	char *date, *end;

	room[out.end] = '\0';
	date = strstr(room, "\r\nDate: ");
	assert_non_null(date);
	date += strlen("\r\nDate: ");
	end = strstr(date, "\r\n");
	assert_int_equal(end - date, strlen("Sun, 22 Nov 2026 10:00:00 GMT"));
	*date = 'D';
	memmove(date + 1, end, strlen(end) + 1);
	return room;
}

static void answer__has_head_and_body(void **state)
{
	struct http_answer answer = { 200, "text/plain", "Cache-Control: no-store\r\n", 3 };
	struct http_request request = asked_11();

	(void)state;
	assert_true(http_answer(&out, &request, &answer, "ok\n"));
	assert_true(request.keep_alive);
	assert_string_equal(written(), "HTTP/1.1 200 OK\r\nServer: prefork-srv\r\nDate: D\r\n"
				       "Content-Type: text/plain\r\nContent-Length: 3\r\n"
				       "Cache-Control: no-store\r\n\r\nok\n");
}

static void answer__to_head__has_the_same_head_and_no_body(void **state)
{
	struct http_answer answer = { 200, "text/plain", NULL, 3 };
	struct http_request request = asked("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");

	(void)state;
	assert_false(http_wants_body(&request));
	assert_true(http_answer(&out, &request, &answer, "ok\n"));
	assert_string_equal(written(), "HTTP/1.1 200 OK\r\nServer: prefork-srv\r\nDate: D\r\n"
				       "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\n");
}

static void head__says_what_becomes_of_the_connection(void **state)
{
	static const struct {
		const char *request, *says;
		int64_t length;
		bool keep_alive;
	} rows[] = {
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "Content-Length: 5\r\n\r\n", 5, true },
		{ "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		  "Content-Length: 5\r\nConnection: close\r\n\r\n", 5, false },
		{ "GET / HTTP/1.0\r\n\r\n", "Content-Length: 0\r\nConnection: close\r\n\r\n", 0,
		  false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		  "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n", 5, true },
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n",
		  HTTP_LENGTH_UNKNOWN, true },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		  "Date: D\r\nConnection: close\r\n\r\n", HTTP_LENGTH_UNKNOWN, false },
		{ "GET /\r\n", "Content-Length: 5\r\nConnection: close\r\n\r\n", 5, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_answer answer = { .status = 200, .length = rows[i].length };
		struct http_request request = asked(rows[i].request);
		const char *text, *found;

		out.start = out.end = 0;
		assert_true(http_head(&out, &request, &answer));
		text = written();
		found = strstr(text, rows[i].says);
		assert_non_null(found);
		assert_string_equal(found, rows[i].says);
		assert_int_equal(request.keep_alive, rows[i].keep_alive);
	}
}

static void answer__without_room__writes_nothing(void **state)
{
	struct http_answer answer = { 200, "text/plain", NULL, 3 };
	struct http_request request = asked_11();
	size_t whole;

	(void)state;
	assert_true(http_answer(&out, &request, &answer, "ok\n"));
	whole = out.end;
	for (out.size = 0; out.size < whole; out.size++) {
		out.end = 0;
		memset(room, '#', whole + 1);
		assert_false(http_answer(&out, &request, &answer, "ok\n"));
		assert_int_equal(out.end, 0);
		assert_int_equal(room[out.size], '#');
		assert_true(request.keep_alive);
	}
	assert_true(http_answer(&out, &request, &answer, "ok\n"));
	assert_int_equal(out.end, whole);
}

static void head__without_room__leaves_keep_alive(void **state)
{
	struct http_answer answer = { .status = 200, .length = HTTP_LENGTH_UNKNOWN };
	struct http_request request = asked("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

	(void)state;
	out.size = 20;
	assert_false(http_head(&out, &request, &answer));
	assert_true(request.keep_alive);
}

static void error__is_its_status_in_one_line(void **state)
{
	struct http_request request = asked_11();

	(void)state;
	assert_true(http_error(&out, &request, 405, "Allow: GET, HEAD\r\n"));
	assert_string_equal(written(),
			    "HTTP/1.1 405 Method Not Allowed\r\nServer: prefork-srv\r\nDate: D\r\n"
			    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 23\r\n"
			    "Allow: GET, HEAD\r\n\r\n405 Method Not Allowed\n");
}

/* RFC 9110 15.4.5, RFC 9112 6.3: its head is all, and says nothing of a body. */
static void not_modified__has_no_body_and_no_length(void **state)
{
	static const char *const requests[] = {
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
	};
	static const int64_t lengths[] = { HTTP_LENGTH_UNKNOWN, 0, 3 };

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		struct http_answer answer = { 304, NULL, "ETag: \"v\"\r\n", lengths[i % 3] };
		struct http_request request = asked(requests[i / 3]);
		char expected[256];

		out.start = out.end = 0;
		assert_true(http_answer(&out, &request, &answer, "ok\n"));
		assert_true(request.keep_alive);
		snprintf(expected, sizeof(expected),
			 "HTTP/1.1 304 Not Modified\r\nServer: prefork-srv\r\nDate: D\r\n"
			 "%sETag: \"v\"\r\n\r\n",
			 request.minor == 0 ? "Connection: keep-alive\r\n" : "");
		assert_string_equal(written(), expected);
	}
}

static void error__is_there_for_each_refusal(void **state)
{
	static const unsigned statuses[] = {
		400, 404, 405, 412, 413, 414, 416, 431, 501, 503, 505
	};

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct http_request request = asked("\n");
		char begins[16];

		out.start = out.end = 0;
		assert_true(http_knows(statuses[i]));
		assert_true(http_error(&out, &request, statuses[i], NULL));
		snprintf(begins, sizeof(begins), "HTTP/1.1 %u ", statuses[i]);
		assert_memory_equal(room, begins, strlen(begins));
		assert_non_null(strstr(written(), "\r\nConnection: close\r\n"));
	}
	assert_false(http_knows(0) || http_knows(418) || http_knows(600));
}

/* Puts one piece of n bytes into the body. */
static void put_piece(size_t n, bool is_chunked)
{
	struct strbuf text = http_body_open(&out, is_chunked);

	assert_true(n <= text.size);
	memset(text.base, 'x', n);
	text.used = n;
	http_body_close(&out, &text, is_chunked);
}

/* Bytes that the chunks in out carry, the last one included. */
static size_t unchunk(void)
{
	const char *at = buf_head(&out), *end = at + buf_used(&out);
	size_t sum = 0;

	for (;;) {
		char *digits_end;
		size_t n = strtoul(at, &digits_end, 16);

		assert_memory_equal(digits_end, "\r\n", 2);
		at = digits_end + 2;
		for (size_t i = 0; i < n; i++)
			assert_int_equal(at[i], 'x');
		at += n;
		assert_memory_equal(at, "\r\n", 2);
		at += 2;
		sum += n;
		if (n == 0)
			break;
	}
	assert_ptr_equal(at, end);
	return sum;
}

static void body__in_chunks__carries_all_bytes(void **state)
{
	static const size_t sizes[] = { 1, 15, 16, 255, 256, 4095, 4096, 40000 };
	size_t sum = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		put_piece(sizes[i], true);
		sum += sizes[i];
	}
	assert_true(http_body_end(&out, true));
	assert_int_equal(unchunk(), sum);
	assert_memory_equal(room, "0001\r\nx\r\n000f\r\n", 15);
}

static void body__of_an_empty_text__is_no_chunk(void **state)
{
	(void)state;
	put_piece(0, true);
	put_piece(0, false);
	assert_int_equal(out.end, 0);
}

static void body__as_large_as_the_room__leaves_some_for_the_end(void **state)
{
	(void)state;
	put_piece(http_body_open(&out, true).size, true);
	assert_int_equal(out.end, 65535 + 8);
	put_piece(http_body_open(&out, true).size, true);
	assert_int_equal(http_body_open(&out, true).size, 0);
	put_piece(0, true);
	assert_true(http_body_end(&out, true));
	assert_int_equal(out.end, ROOM);
	assert_int_equal(unchunk(), ROOM - 2 * 8 - 5);
	assert_false(http_body_end(&out, true));
	assert_int_equal(out.end, ROOM);
}

static void body__with_hardly_any_room__is_cut(void **state)
{
	struct strbuf text;

	(void)state;
	for (out.size = 0; out.size < 13; out.size++) {
		text = http_body_open(&out, true);
		strbuf_raw(&text, "x");
		assert_true(text.is_cut);
		http_body_close(&out, &text, true);
		assert_int_equal(out.end, 0);
	}
	out.size = 14;
	text = http_body_open(&out, true);
	strbuf_raw(&text, "x");
	assert_false(text.is_cut);
}

static void body__without_chunks__is_the_bytes(void **state)
{
	(void)state;
	put_piece(300, false);
	put_piece(http_body_open(&out, false).size, false);
	assert_int_equal(out.end, 300 + 65535);
	put_piece(ROOM - 300 - 65535, false);
	assert_true(http_body_end(&out, false));
	assert_int_equal(out.end, ROOM);
}

static void head__has_the_date_of_now(void **state)
{
	struct http_answer answer = { .status = 200 };
	struct http_request request = asked_11();
	time_t before = time(NULL);
	char expected[16 + HTTP_DATE], text[HTTP_DATE];
	bool found = false;

	(void)state;
	assert_true(http_head(&out, &request, &answer));
	room[out.end] = '\0';
	for (time_t at = before; at <= time(NULL); at++) {
		snprintf(expected, sizeof(expected), "Date: %s\r\n", http_date(at, text));
		found = found || strstr(room, expected);
	}
	assert_true(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(answer__has_head_and_body, set_up),
		cmocka_unit_test_setup(answer__to_head__has_the_same_head_and_no_body, set_up),
		cmocka_unit_test_setup(head__says_what_becomes_of_the_connection, set_up),
		cmocka_unit_test_setup(answer__without_room__writes_nothing, set_up),
		cmocka_unit_test_setup(head__without_room__leaves_keep_alive, set_up),
		cmocka_unit_test_setup(error__is_its_status_in_one_line, set_up),
		cmocka_unit_test_setup(not_modified__has_no_body_and_no_length, set_up),
		cmocka_unit_test_setup(error__is_there_for_each_refusal, set_up),
		cmocka_unit_test_setup(body__in_chunks__carries_all_bytes, set_up),
		cmocka_unit_test_setup(body__of_an_empty_text__is_no_chunk, set_up),
		cmocka_unit_test_setup(body__as_large_as_the_room__leaves_some_for_the_end, set_up),
		cmocka_unit_test_setup(body__with_hardly_any_room__is_cut, set_up),
		cmocka_unit_test_setup(body__without_chunks__is_the_bytes, set_up),
		cmocka_unit_test_setup(head__has_the_date_of_now, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
