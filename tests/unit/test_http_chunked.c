/* SPDX-License-Identifier: MIT */
/*
 * Tests of services/http/parse/http_chunked: the end of a body, whole and cut anywhere, and invalid
 * bodies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "services/http/parse/http_chunked.h"

#define BEHIND "GET /smuggled"

/* Reads n bytes, `piece` at a time, until the result is not HTTP_PART. */
static enum http_progress read_in_pieces(struct http_chunked *chunked, const char *bytes, size_t n,
					 size_t piece, size_t *used)
{
	enum http_progress progress = HTTP_PART;

	*chunked = (struct http_chunked){ 0 };
	for (*used = 0; *used < n && progress == HTTP_PART;) {
		size_t left = n - *used, now;

		progress = http_chunked_read(chunked, bytes + *used, left < piece ? left : piece,
					     &now);
		*used += now;
		if (progress != HTTP_WRONG)
			assert_true(http_chunked_is_sound(chunked));
	}
	return progress;
}

struct body {
	const char *text;
	uint32_t data;
};

static void bodies__end_where_they_end(void **state)
{
	static const struct body bodies[] = {
		{ "0\r\n\r\n", 0 },
		{ "000000\r\n\r\n", 0 },
		{ "5\r\nhello\r\n0\r\n\r\n", 5 },
		{ "A\r\n0123456789\r\n00f\r\n\r\n0\r\n\r\nGET / HT\r\n0\r\n\r\n", 25 },
		{ "1\r\n\n\r\n2\r\n\r\n\r\n0\r\n\r\n", 3 },
		{ "1;a\r\nx\r\n0;a=b;c=\"d\\\"\\\\;\xc3\xa9\" ; e\r\n\r\n", 1 },
		{ "1 ;\ta = \"\"\r\nx\r\n0\t;a\t=b\r\n\r\n", 1 },
		{ "1\r\nx\r\n0\r\nA: b\r\nContent-Length:\r\nC: caf\xc3\xa9\t\"\r\n\r\n", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		char text[256];
		int whole = snprintf(text, sizeof(text), "%s", bodies[i].text);
		size_t n = (size_t)snprintf(text, sizeof(text), "%s%s", bodies[i].text, BEHIND);

		for (size_t piece = 1; piece <= n; piece++) {
			struct http_chunked chunked;
			size_t used;

			if (read_in_pieces(&chunked, text, n, piece, &used) != HTTP_WHOLE)
				fail_msg("not whole: %s", text);
			assert_int_equal(used, whole);
			assert_int_equal(chunked.data, bodies[i].data);
			assert_int_equal(chunked.data + chunked.frame, whole);
			assert_int_equal(http_chunked_read(&chunked, text, n, &used), HTTP_WHOLE);
			assert_int_equal(used, 0);
		}
		for (size_t cut = 1; cut < (size_t)whole; cut++) {
			struct http_chunked chunked;
			size_t used;

			assert_int_equal(read_in_pieces(&chunked, text, cut, cut, &used),
					 HTTP_PART);
			assert_int_equal(used, cut);
		}
	}
}

struct refusal {
	unsigned status;
	const char *text;
	size_t length;
};

#define REFUSAL(status, text)                  \
	{                                      \
		status, text, sizeof(text) - 1 \
	}

static void others__are_refused(void **state)
{
	static const struct refusal refusals[] = {
		/* sizes */
		REFUSAL(400, "\r\n"),
		REFUSAL(400, "x"),
		REFUSAL(400, "+5\r\n"),
		REFUSAL(400, "-1\r\n"),
		REFUSAL(400, "0x5\r\n"),
		REFUSAL(400, " 5\r\n"),
		REFUSAL(400, "5 \r\n"),
		REFUSAL(400, "5 5\r\n"),
		REFUSAL(400, "5\n"),
		REFUSAL(400, "5\rx"),
		REFUSAL(400, "5\0\r\n"),
		REFUSAL(400, "5_\r\n"),
		REFUSAL(413, "10001\r\n"),
		REFUSAL(413, "100000005\r\n"),
		REFUSAL(413, "ffffffffffffffffffffffff\r\n"),
		/* extensions */
		REFUSAL(400, "5;\r\n"),
		REFUSAL(400, "5;a=\r\n"),
		REFUSAL(400, "5;=b\r\n"),
		REFUSAL(400, "5;a b\r\n"),
		REFUSAL(400, "5;a \r\n"),
		REFUSAL(400, "5;a=\"b\"c\r\n"),
		REFUSAL(400, "5;a=\"b\r\n"),
		REFUSAL(400, "5;a=\"\\\r\n"),
		REFUSAL(400, "5;a\nb\r\n"),
		REFUSAL(400, "0;a\n\r\n"),
		/* data */
		REFUSAL(400, "1\r\nxy\r\n"),
		REFUSAL(400, "1\r\nx\n"),
		REFUSAL(400, "1\r\nx\rx"),
		REFUSAL(400, "1\r\nx0\r\n\r\n"),
		/* trailers */
		REFUSAL(400, "0\r\n\n"),
		REFUSAL(400, "0\r\n\rx"),
		REFUSAL(400, "0\r\nA\r\n"),
		REFUSAL(400, "0\r\nA : b\r\n"),
		REFUSAL(400, "0\r\n: b\r\n"),
		REFUSAL(400, "0\r\n A: b\r\n"),
		REFUSAL(400, "0\r\nA: b\r\n c\r\n"),
		REFUSAL(400, "0\r\nA: b\nc\r\n"),
		REFUSAL(400, "0\r\nA: \0\r\n"),
		REFUSAL(400, "0\r\nA: b\r\r\n"),
		REFUSAL(400, "0\r\nGET / HTTP/1.1\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *row = &refusals[i];

		for (size_t piece = 1; piece <= row->length; piece++) {
			struct http_chunked chunked;
			size_t used;

			if (read_in_pieces(&chunked, row->text, row->length, piece, &used) !=
			    HTTP_WRONG)
				fail_msg("not refused: %s", row->text);
			assert_int_equal(chunked.status, row->status);
		}
	}
}

/*
 * Reads the chunk `count` times: as much data, and as much around it, as a body may have, and more.
 */
static enum http_progress read_chunks_of(const char *chunk, size_t count,
					 struct http_chunked *chunked)
{
	enum http_progress progress = HTTP_PART;
	size_t used;

	*chunked = (struct http_chunked){ 0 };
	for (size_t i = 0; i < count && progress == HTTP_PART; i++)
		progress = http_chunked_read(chunked, chunk, strlen(chunk), &used);
	return progress;
}

static void sizes__at_the_limits(void **state)
{
	static char half[16 + HTTP_BODY_MOST / 2];
	struct http_chunked chunked;
	size_t used;

	(void)state;
	memset(half, 'x', sizeof(half) - 1);
	memcpy(half, "8000\r\n", 6);
	memcpy(half + 6 + HTTP_BODY_MOST / 2, "\r\n", 3);
	assert_int_equal(read_chunks_of(half, 2, &chunked), HTTP_PART);
	assert_int_equal(http_chunked_read(&chunked, "0\r\n\r\n", 5, &used), HTTP_WHOLE);
	assert_int_equal(chunked.data, HTTP_BODY_MOST);

	assert_int_equal(read_chunks_of(half, 2, &chunked), HTTP_PART);
	assert_int_equal(http_chunked_read(&chunked, "1\r\n", 3, &used), HTTP_WRONG);
	assert_int_equal(chunked.status, 413);

	assert_int_equal(read_chunks_of("1\r\nx\r\n", HTTP_FRAME_MOST / 5, &chunked), HTTP_PART);
	assert_int_equal(read_chunks_of("1\r\nx\r\n", HTTP_FRAME_MOST / 5 + 1, &chunked),
			 HTTP_WRONG);
	assert_int_equal(chunked.status, 413);
	assert_int_equal(read_chunks_of("0", HTTP_FRAME_MOST + 1, &chunked), HTTP_WRONG);
	assert_int_equal(chunked.status, 413);
}

static void rubbish__is_unsound(void **state)
{
	static const struct http_chunked rubbish[] = {
		{ .at = 255 },
		{ .status = 400 },
		{ .data = HTTP_BODY_MOST + 1 },
		{ .frame = HTTP_FRAME_MOST + 1 },
		{ .left = HTTP_BODY_MOST + 1 },
		{ .left = 2, .data = HTTP_BODY_MOST - 1 },
	};
	struct http_chunked chunked = { 0 };
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++)
		assert_false(http_chunked_is_sound(&rubbish[i]));
	assert_int_equal(http_chunked_read(&chunked, "2\r\nx", 4, &used), HTTP_PART);
	assert_true(http_chunked_is_sound(&chunked));
	chunked.left = 3;
	assert_false(http_chunked_is_sound(&chunked));
	chunked.left = 0;
	assert_false(http_chunked_is_sound(&chunked));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies__end_where_they_end),
		cmocka_unit_test(others__are_refused),
		cmocka_unit_test(sizes__at_the_limits),
		cmocka_unit_test(rubbish__is_unsound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
