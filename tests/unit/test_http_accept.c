/* SPDX-License-Identifier: MIT */
/* Tests of services/http/parse/http_accept: weights of codings, and one type against another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/http/parse/http_accept.h"
#include "services/http/parse/http_parse.h"

/* Parses in memory of just that size, which the caller frees. */
static char *ask(struct http_request *r, const char *lines)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "GET / HTTP/1.0\r\n%s\r\n", lines);
	char *exact = malloc((size_t)n);

	assert_true(n < (int)sizeof(text));
	memcpy(exact, text, (size_t)n);
	http_parse_begin(r);
	assert_int_equal(http_parse(r, exact, (size_t)n), HTTP_WHOLE);
	return exact;
}

#define AE "Accept-Encoding: "

static void codings__have_their_weights(void **state)
{
	static const struct {
		const char *lines;
		unsigned gzip, br, identity;
	} rows[] = {
		/* 12.5.3: without the field, or with an empty one, as it is */
		{ "", 0, 0, 1 },
		{ AE "\r\n", 0, 0, 1 },
		{ AE ",\r\n", 0, 0, 1 },
		{ AE "x\r\n", 0, 0, 1 },
		{ AE "gzip\r\n", 1000, 0, 1 },
		{ AE "gzip, deflate, br\r\n", 1000, 1000, 1 },
		{ AE "GZip\t,BR\r\n", 1000, 1000, 1 },
		{ AE "gzip\r\n" AE "br\r\n", 1000, 1000, 1 },
		{ AE "br\r\nAccept: gzip\r\n", 0, 1000, 1 },
		/* only whole names */
		{ AE "gzipped, xgzip, gzi, b\r\n", 0, 0, 1 },
		{ AE "\"gzip\"\r\n", 0, 0, 1 },
		{ AE "gzip br\r\n", 0, 0, 1 },
		{ AE "x;a=\"gzip,br\"\r\n", 0, 0, 1 },
		/* 8.4.1.3 */
		{ AE "x-gzip;q=0.7\r\n", 700, 0, 1 },
		{ AE "x-br\r\n", 0, 0, 1 },
		/* 12.4.2: weights */
		{ AE "gzip;q=1, br;q=0\r\n", 1000, 0, 1 },
		{ AE "gzip;q=1.000,br;q=0.000\r\n", 1000, 0, 1 },
		{ AE "gzip;q=0.5, br;q=0.25\r\n", 500, 250, 1 },
		{ AE "gzip ; Q=0.001\t, br;q=0.999\r\n", 1, 999, 1 },
		{ AE "gzip;q=1., br;q=0.\r\n", 1000, 0, 1 },
		{ AE "gzip;a=b;q=0.5;c, br;;q=0.1\r\n", 500, 100, 1 },
		{ AE "gzip;q=0, gzip\r\n", 0, 0, 1 },
		/* invalid ones do not count */
		{ AE "gzip;q=, br;q=2\r\n", 0, 0, 1 },
		{ AE "gzip;q=1.001, br;q=0.0001\r\n", 0, 0, 1 },
		{ AE "gzip;q=.5, br;q=-1\r\n", 0, 0, 1 },
		{ AE "gzip;q=0,5, br;q=1e0\r\n", 0, 0, 1 },
		{ AE "gzip;q=a, br;q=0.a\r\n", 0, 0, 1 },
		{ AE "gzip;q= 1, br;q=00\r\n", 0, 0, 1 },
		{ AE "gzip;q=\"1\", br;q=10\r\n", 0, 0, 1 },
		/* * is each that is not named */
		{ AE "*\r\n", 1000, 1000, 1000 },
		{ AE "*;q=0.5\r\n", 500, 500, 500 },
		{ AE "gzip;q=0, *\r\n", 0, 1000, 1000 },
		{ AE "*;q=0.1, gzip\r\n", 1000, 100, 100 },
		{ AE "gzip, *;q=0\r\n", 1000, 0, 0 },
		{ AE "*;q=0\r\n", 0, 0, 0 },
		{ AE "**, gzip*\r\n", 0, 0, 1 },
		/* identity may be excluded */
		{ AE "identity\r\n", 0, 0, 1000 },
		{ AE "identity;q=0\r\n", 0, 0, 0 },
		{ AE "br, identity;q=0\r\n", 0, 1000, 0 },
		{ AE "identity;q=0.5, *;q=0\r\n", 0, 0, 500 },
		{ AE "identity;q=x\r\n", 0, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_request r;
		char *head = ask(&r, rows[i].lines);
		unsigned gzip = http_accept_coding(&r, head, "gzip");
		unsigned br = http_accept_coding(&r, head, "br");
		unsigned identity = http_accept_coding(&r, head, "identity");

		if (gzip != rows[i].gzip || br != rows[i].br || identity != rows[i].identity)
			fail_msg("%u %u %u: %s", gzip, br, identity, rows[i].lines);
		free(head);
	}
}

#define A "Accept: "

static void types__are_compared(void **state)
{
	static const struct {
		const char *lines;
		int prefers; /* 1: JSON, -1: HTML, 0: neither */
	} rows[] = {
		/* 12.5.1 */
		{ "", 0 },
		{ A "\r\n", 0 },
		{ A "*/*\r\n", 0 },
		{ A "text/plain\r\n", 0 },
		{ A "application/json\r\n", 1 },
		{ A "text/html\r\n", -1 },
		{ A "APPLICATION/Json\r\n", 1 },
		{ A "application/json, text/html\r\n", 0 },
		{ A "application/json\r\n" A "text/html;q=0.9\r\n", 1 },
		{ A "application/json;q=0.8, text/html;q=0.9\r\n", -1 },
		{ A "application/json;q=0\r\n", 0 },
		{ A "application/json;q=0, */*\r\n", -1 },
		{ A "application/json;q=0, text/html;q=0\r\n", 0 },
		/* as a browser and two libraries ask */
		{ A "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n", -1 },
		{ A "application/json, text/plain, */*\r\n", 1 },
		{ A "application/json, */*;q=0.5\r\n", 1 },
		/* the most exact counts, wherever it stands */
		{ A "application/*\r\n", 1 },
		{ A "text/*\r\n", -1 },
		{ A "text/*, */*\r\n", -1 },
		{ A "*/*;q=0.9, text/html;q=0.1\r\n", 1 },
		{ A "text/html;q=0.1, text/*, application/json;q=0.5\r\n", 1 },
		{ A "application/*;q=0.5, text/*;q=0.4, */*\r\n", 1 },
		/* parameters */
		{ A "application/json;charset=utf-8\r\n", 1 },
		{ A "application/json; charset=\"a,b;q=0\"; q=0.5, text/html;q=0.4\r\n", 1 },
		{ A "text/html;level=1, text/html;q=0.3, application/json;q=0.5\r\n", 1 },
		{ A "application/json;q=0.5;a=b, text/html;q=0.4\r\n", 1 },
		/* others are not that type */
		{ A "application/jsonx, xapplication/json, json\r\n", 0 },
		{ A "application/ld+json, */json, application/\r\n", 0 },
		{ A "application/**, application*, applicatio*/json\r\n", 0 },
		{ A "*\r\n", 0 },
		{ A "application/json;q=2, text/html;q=0.1\r\n", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_request r;
		char *head = ask(&r, rows[i].lines);
		bool json = http_accept_prefers(&r, head, "application/json", "text/html");
		bool html = http_accept_prefers(&r, head, "text/html", "application/json");

		if (json - html != rows[i].prefers)
			fail_msg("%d %d: %s", json, html, rows[i].lines);
		free(head);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codings__have_their_weights),
		cmocka_unit_test(types__are_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
