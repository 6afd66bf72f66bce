/* SPDX-License-Identifier: MIT */
/* Tests of client/bench/http_response: the end of an answer, in one piece and in all others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "client/bench/http_response.h"

struct row {
	const char *text;
	const char *behind; /* bytes that follow and do not belong to it */
	unsigned status;
	enum http_response_state state;
	bool keep_alive;
};

#define LONG_VALUE                                                      \
	"0123456789012345678901234567890123456789012345678901234567890" \
	"0123456789012345678901234567890123456789012345678901234567890" \
	"0123456789012345678901234567890123456789012345678901234567890"

static const struct row rows[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP", 200, HTTP_RESPONSE_COMPLETE,
	  true },
	{ "HTTP/1.1 200 OK\r\ncontent-LENGTH:5\r\n\r\nhello", "", 200, HTTP_RESPONSE_COMPLETE,
	  true },
	{ "HTTP/1.1 200 OK\nContent-Length: 2 \t\n\nhi", "x", 200, HTTP_RESPONSE_COMPLETE, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "x", 200, HTTP_RESPONSE_COMPLETE, true },
	{ "HTTP/1.1 200 OK\r\nX: " LONG_VALUE "\r\nContent-Length: 1\r\n\r\ny", "x", 200,
	  HTTP_RESPONSE_COMPLETE, true },
	{ "HTTP/1.1 404 No\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\ny", "", 404,
	  HTTP_RESPONSE_COMPLETE, false },
	{ "HTTP/1.1 200\r\nConnection: closed\r\nContent-Length: 1\r\n\r\ny", "", 200,
	  HTTP_RESPONSE_COMPLETE, true },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\ny", "", 200, HTTP_RESPONSE_COMPLETE, false },
	{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\ny", "", 200,
	  HTTP_RESPONSE_COMPLETE, true },
	{ "HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n", "x", 204, HTTP_RESPONSE_COMPLETE,
	  true },
	{ "HTTP/1.1 304 Same\r\n\r\n", "x", 304, HTTP_RESPONSE_COMPLETE, true },
	{ "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny", "x", 200,
	  HTTP_RESPONSE_COMPLETE, true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n"
	  "0\r\n\r\n",
	  "x", 200, HTTP_RESPONSE_COMPLETE, true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 1\r\n\r\n"
	  "0\r\nTrailer: x\r\n\r\n",
	  "x", 200, HTTP_RESPONSE_COMPLETE, true },
	{ "HTTP/1.1 200 OK\r\n\r\nuntil the end", "", 200, HTTP_RESPONSE_UNTIL_CLOSE, false },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "", 200, HTTP_RESPONSE_BODY, true },
	{ "ICY 200 OK\r\n", NULL, 0, HTTP_RESPONSE_INVALID, true },
	{ "HTTP/1.1 2x0 OK\r\n", NULL, 0, HTTP_RESPONSE_INVALID, true },
	{ "HTTP/1.1 099 OK\r\n", NULL, 99, HTTP_RESPONSE_INVALID, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n", NULL, 200, HTTP_RESPONSE_INVALID, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: \r\n", NULL, 200, HTTP_RESPONSE_INVALID, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n", NULL, 200,
	  HTTP_RESPONSE_INVALID, true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n", NULL, 200,
	  HTTP_RESPONSE_INVALID, true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", NULL, 200,
	  HTTP_RESPONSE_INVALID, true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nyz\r\n", NULL, 200,
	  HTTP_RESPONSE_INVALID, true },
};

/* Parses `step` bytes at a time; returns how many were taken. */
static size_t parse_steps(struct http_response *response, const char *text, size_t length,
			  size_t step)
{
	size_t taken = 0;

	while (taken < length && response->state < HTTP_RESPONSE_COMPLETE) {
		size_t n = length - taken < step ? length - taken : step;
		char piece[1024]; /* separate, so that a sanitizer sees a read beyond it */

		memcpy(piece, text + taken, n);
		taken += http_response_parse(response, piece, n);
	}
	return taken;
}

static void check_row(const struct row *row, size_t step)
{
	struct http_response response;
	char text[1024];
	size_t length = strlen(row->text);

	memset(text, 0, sizeof(text));
	memcpy(text, row->text, length);
	if (row->behind != NULL)
		memcpy(text + length, row->behind, strlen(row->behind));
	memset(&response, 0xff, sizeof(response));
	http_response_init(&response);
	if (row->behind != NULL)
		assert_int_equal(parse_steps(&response, text, strlen(text), step), length);
	else
		parse_steps(&response, text, length, step);
	assert_int_equal(response.state, row->state);
	assert_int_equal(response.status, row->status);
	if (row->state != HTTP_RESPONSE_INVALID)
		assert_int_equal(response.keep_alive, row->keep_alive);
	assert_int_equal(http_response_close(&response),
			 row->state == HTTP_RESPONSE_COMPLETE ||
				 row->state == HTTP_RESPONSE_UNTIL_CLOSE);
}

static void answers__in_one_piece__end_where_they_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], 1024);
}

static void answers__in_pieces_of_any_size__end_at_the_same_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 100; step++)
			check_row(&rows[i], step);
}

static void head__without_end__is_wrong_at_last(void **state)
{
	struct http_response response;
	char line[1024];

	(void)state;
	memset(line, 'x', sizeof(line));
	http_response_init(&response);
	http_response_parse(&response, "HTTP/1.1 200 OK\r\n", 17);
	for (size_t fed = 0; fed < HTTP_RESPONSE_HEAD_MAX; fed += sizeof(line)) {
		assert_int_not_equal(response.state, HTTP_RESPONSE_INVALID);
		http_response_parse(&response, line, sizeof(line));
	}
	assert_int_equal(response.state, HTTP_RESPONSE_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers__in_one_piece__end_where_they_end),
		cmocka_unit_test(answers__in_pieces_of_any_size__end_at_the_same_place),
		cmocka_unit_test(head__without_end__is_wrong_at_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
