/* SPDX-License-Identifier: MIT */
/* http: files in codings beside themselves: which one a client gets, and what caches learn. */
#include "harness.h"

#include "web.h"

#define VARY "\r\nVary: Accept-Encoding\r\n"

static struct server *serve(void)
{
	static const char *const names[] = { "a.txt", "a.txt.gz", "a.txt.br", "a.txt.zst",
					     "only.txt" };

	web_make_folder();
	web_put("a.txt", "hello\n");
	web_put("a.txt.gz", "GZIP 1\n");
	web_put("a.txt.br", "BROTLI 12\n");
	web_put("a.txt.zst", "ZSTD 123\n");
	web_put("only.txt", "only\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		web_age(names[i]);
	return server_start(&(struct plan){ .conf = web_conf("\tprecompressed = yes\n"
							     "\theaders = {\"Vary: Origin\"}") });
}

static const char *ask(const struct server *s, const char *what, const char *lines)
{
	char request[1024];

	snprintf(request, sizeof(request), "%s" WEB_HOST "%sConnection: close\r\n\r\n", what,
		 lines);
	return web_ask(s, request);
}

/* Header lines, the coding that is chosen (NULL: none), and the file in it. */
static const struct {
	const char *lines, *coding, *text;
} rows[] = {
	{ "", NULL, "hello\n" },
	{ "Accept-Encoding:\r\n", NULL, "hello\n" },
	{ "Accept-Encoding: gzip\r\n", "gzip", "GZIP 1\n" },
	{ "Accept-Encoding: GZip\r\n", "gzip", "GZIP 1\n" },
	{ "Accept-Encoding: x-gzip\r\n", "gzip", "GZIP 1\n" },
	{ "Accept-Encoding: br\r\n", "br", "BROTLI 12\n" },
	{ "Accept-Encoding: zstd\r\n", "zstd", "ZSTD 123\n" },
	{ "Accept-Encoding: x\r\n", NULL, "hello\n" },
	{ "Accept-Encoding: identity\r\n", NULL, "hello\n" },
	{ "Accept-Encoding: gzip;q=0\r\n", NULL, "hello\n" },
	{ "Accept-Encoding: *;q=0\r\n", NULL, "hello\n" },
	{ "Accept-Encoding: *\r\n", "br", "BROTLI 12\n" },
	{ "Accept-Encoding: identity;q=0\r\n", NULL, "hello\n" },
	{ "Accept-Encoding: identity;q=0, gzip\r\n", "gzip", "GZIP 1\n" },
	{ "Accept-Encoding: gzip;q=1.0, br;q=0.9\r\n", "gzip", "GZIP 1\n" },
	{ "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n", "br", "BROTLI 12\n" },
};

/* What every answer of a file has that there are codings of. */
static void expect_vary(void)
{
	web_has(web_answer, VARY);
	web_has(web_answer, "\r\nVary: Origin\r\n");
}

/* The tag in web_answer, which it must have. */
static void take_tag(char *tag, size_t size)
{
	const char *at = strstr(web_answer, "\r\nETag: ");

	assert_non_null(at);
	snprintf(tag, size, "%.*s", (int)strcspn(at + 8, "\r"), at + 8);
}

static void expect_coding(const char *coding)
{
	char line[64];

	assert_true((strstr(web_answer, "\r\nContent-Encoding: ") != NULL) == (coding != NULL));
	snprintf(line, sizeof(line), "\r\nContent-Encoding: %s\r\n", coding ? coding : "");
	if (coding)
		web_has(web_answer, line);
}

static void answers__of_all_codings__vary(void **state)
{
	struct server *s = serve();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char length[64];

		web_begins(ask(s, "GET /a.txt", rows[i].lines), "HTTP/1.1 200 ");
		if (strcmp(web_body(), rows[i].text) != 0)
			fail_msg("%s: %s", rows[i].lines, web_body());
		expect_vary();
		expect_coding(rows[i].coding);
		web_has(web_answer, "\r\nContent-Type: text/plain; charset=utf-8\r\n");
		web_begins(ask(s, "HEAD /a.txt", rows[i].lines), "HTTP/1.1 200 ");
		expect_vary();
		expect_coding(rows[i].coding);
		snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n",
			 strlen(rows[i].text));
		web_has(web_answer, length);
		assert_string_equal(web_body(), "");
	}
	/* this one might come to be: a cache must ask again then */
	web_begins(ask(s, "GET /only.txt", "Accept-Encoding: gzip\r\n"), "HTTP/1.1 200 ");
	assert_string_equal(web_body(), "only\n");
	expect_vary();
	server_stop(s);
}

/* 304 and 206 are of the coding that the request would have got; its tag is of it alone. */
static void codings__have_their_own_tags(void **state)
{
	static const char *const codings[] = { "identity", "gzip", "br", "zstd" };
	enum { CODINGS = sizeof(codings) / sizeof(*codings) };
	char tags[CODINGS][128], lines[512];
	struct server *s = serve();

	(void)state;
	for (unsigned i = 0; i < CODINGS; i++) {
		snprintf(lines, sizeof(lines), "Accept-Encoding: %s\r\n", codings[i]);
		ask(s, "GET /a.txt", lines);
		take_tag(tags[i], sizeof(tags[i]));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(tags[i], tags[k]);
	}
	for (unsigned i = 0; i < CODINGS * CODINGS; i++) {
		unsigned mine = i / CODINGS, asked = i % CODINGS;

		snprintf(lines, sizeof(lines), "Accept-Encoding: %s\r\nIf-None-Match: %s\r\n",
			 codings[asked], tags[mine]);
		ask(s, "GET /a.txt", lines);
		web_begins(web_answer, mine == asked ? "HTTP/1.1 304 " : "HTTP/1.1 200 ");
		if (mine == asked) /* RFC 9110 15.4.5 */
			assert_null(strstr(web_answer, "Content-Encoding"));
		expect_vary();
		if (mine == asked)
			web_has(web_answer, tags[mine]);
		snprintf(lines, sizeof(lines),
			 "Accept-Encoding: %s\r\nRange: bytes=1-2\r\nIf-Range: %s\r\n",
			 codings[asked], tags[mine]);
		ask(s, "GET /a.txt", lines);
		web_begins(web_answer, mine == asked ? "HTTP/1.1 206 " : "HTTP/1.1 200 ");
		expect_vary();
		expect_coding(asked > 0 ? codings[asked] : NULL);
		if (mine == asked)
			assert_int_equal(strlen(web_body()), 2);
	}
	server_stop(s);
}

/* A file of which the coding is asked for by name is no coding of another one. */
static void coded_file__by_its_own_name__is_a_file(void **state)
{
	struct server *s = serve();

	(void)state;
	web_begins(ask(s, "GET /a.txt.gz", "Accept-Encoding: gzip\r\n"), "HTTP/1.1 200 ");
	assert_string_equal(web_body(), "GZIP 1\n");
	expect_coding(NULL);
	web_begins(ask(s, "GET /no.txt", "Accept-Encoding: gzip\r\n"), "HTTP/1.1 404 ");
	expect_coding(NULL);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(answers__of_all_codings__vary),
		E2E(codings__have_their_own_tags),
		E2E(coded_file__by_its_own_name__is_a_file),
	};

	return E2E_RUN(tests);
}
