/* SPDX-License-Identifier: MIT */
/* http: a download that is resumed with If-Range is never glued together from two states. */
#include "harness.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "web.h"

#define OLD_DATE "Thu, 01 Jan 1970 00:16:40 GMT" /* of web_age */

enum { TIMES = 200 };

static struct server *serve(void)
{
	web_make_folder();
	web_put("a.txt", "hello\n");
	web_age("a.txt");
	return web_serve("");
}

/* The tag in web_answer with its quotes, "" when there is none; valid until the next call. */
static const char *find_tag(void)
{
	const char *at = strstr(web_answer, "\r\nETag: ");
	static char tag[128];

	snprintf(tag, sizeof(tag), "%.*s", at ? (int)strcspn(at + 8, "\r") : 0, at ? at + 8 : "");
	return tag;
}

/* Asks for the range with these header lines; @ in them is the tag. */
static const char *resume(const struct server *s, const char *lines, const char *tag)
{
	char request[512];
	size_t used = (size_t)snprintf(request, sizeof(request),
				       "GET /a.txt" WEB_HOST "Range: bytes=2-3\r\n");

	for (; *lines; lines++)
		used += (size_t)snprintf(request + used, sizeof(request) - used, "%.*s",
					 *lines == '@' ? (int)strlen(tag) : 1,
					 *lines == '@' ? tag : lines);
	snprintf(request + used, sizeof(request) - used, "Connection: close\r\n\r\n");
	return web_ask(s, request);
}

/* Header lines in which @ is what is between the quotes of the file's tag. */
static const struct {
	const char *lines;
	bool is_resumed;
} rows[] = {
	{ "If-Range: \"@\"\r\n", true },
	{ "If-Range:\t \"@\" \t\r\n", true },
	{ "If-Range: W/\"@\"\r\n", false },
	{ "If-Range: w/\"@\"\r\n", false },
	{ "If-Range: @\r\n", false },
	{ "If-Range: \"@\r\n", false },
	{ "If-Range: \"x@\"\r\n", false },
	{ "If-Range: \"@x\"\r\n", false },
	{ "If-Range: \"@\", \"b\"\r\n", false },
	{ "If-Range: \"b\", \"@\"\r\n", false },
	{ "If-Range: \"@\",\r\n", false },
	{ "If-Range: *\r\n", false },
	{ "If-Range:\r\n", false },
	{ "If-Range: \"\"\r\n", false },
	{ "If-Range: garbage\r\n", false },
	{ "If-Range: \"@\"\r\nIf-Range: \"@\"\r\n", false },
	{ "If-Range: \"@\"\r\nIf-Range: \"b\"\r\n", false },
	{ "If-Range: " OLD_DATE "\r\n", true },
	{ "If-Range: Thu Jan  1 00:16:40 1970\r\n", true },
	{ "If-Range: Thu, 01 Jan 1970 00:16:41 GMT\r\n", false },
	{ "If-Range: Thu, 01 Jan 1970 00:16:39 GMT\r\n", false },
	{ "If-Range: Fri, 01 Jan 2999 00:00:00 GMT\r\n", false },
	{ "If-Range: " OLD_DATE "\r\nIf-Range: " OLD_DATE "\r\n", false },
	{ "If-Range: " OLD_DATE ", \"@\"\r\n", false },
	/* what comes first decides (RFC 9110 13.2.2) */
	{ "If-Range: \"@\"\r\nIf-Match: \"@\"\r\n", true },
};

static void if_range__resumes_only_the_same_state(void **state)
{
	struct server *s = serve();
	char inner[128];

	(void)state;
	web_ask(s, "GET /a.txt" WEB_LAST);
	web_has(web_answer, "\r\nLast-Modified: " OLD_DATE "\r\n");
	snprintf(inner, sizeof(inner), "%s", find_tag() + 1);
	inner[strcspn(inner, "\"")] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		resume(s, rows[i].lines, inner);
		web_begins(web_answer, rows[i].is_resumed ? "HTTP/1.1 206 " : "HTTP/1.1 200 ");
		if (strcmp(web_body(), rows[i].is_resumed ? "ll" : "hello\n") != 0)
			fail_msg("%s: %s", rows[i].lines, web_body());
		assert_true((strstr(web_answer, "Content-Range") != NULL) == rows[i].is_resumed);
	}
	resume(s, "If-Range: \"@\"\r\nIf-Match: \"x\"\r\n", inner);
	web_begins(web_answer, "HTTP/1.1 412 ");
	server_stop(s);
}

/* Longer, of the same length, as old as before, in another file: each is another state. */
static void file__that_is_another__is_sent_whole(void **state)
{
	struct server *s = serve();
	static const char *const texts[] = { "hello, hello\n", "olleh\n", "hullo\n" };
	char tag[128], from[256], to[256];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		do
			web_ask(s, "GET /a.txt" WEB_LAST);
		while (find_tag()[0] == '\0');
		snprintf(tag, sizeof(tag), "%s", find_tag());
		web_begins(resume(s, "If-Range: @\r\n", tag), "HTTP/1.1 206 ");
		web_put("new", texts[i]);
		web_age("new");
		snprintf(from, sizeof(from), "%s/new", web_folder);
		snprintf(to, sizeof(to), "%s/a.txt", web_folder);
		assert_int_equal(rename(from, to), 0);
		WAIT_UNTIL(s,
			   strcmp((resume(s, "If-Range: @\r\n", tag), web_body()), texts[i]) == 0);
		web_begins(web_answer, "HTTP/1.1 200 ");
		assert_string_not_equal(find_tag(), tag);
	}
	server_stop(s);
}

/* In one second, with one length, in place: a tag that was given out stands for no other state. */
static void file__rewritten_at_once__has_another_tag(void **state)
{
	struct server *s = serve();
	char tag[128];

	(void)state;
	for (unsigned i = 0; i < TIMES; i++) {
		web_put("a.txt", i % 2 ? "one 1\n" : "two 2\n");
		web_ask(s, "GET /a.txt" WEB_LAST);
		assert_string_equal(web_body(), i % 2 ? "one 1\n" : "two 2\n");
		snprintf(tag, sizeof(tag), "%s", find_tag());
		web_put("a.txt", "three\n");
		assert_string_not_equal(tag, "");
		web_begins(resume(s, "If-Range: @\r\n", tag), "HTTP/1.1 200 ");
		assert_string_equal(web_body(), "three\n");
	}
	server_stop(s);
}

/* The date that it had stands for no other state, neither now nor when its second is over. */
static void file__rewritten_at_once__is_not_resumed_by_its_date(void **state)
{
	struct server *s = serve();
	const char *date;
	char line[128];
	time_t then;

	(void)state;
	web_put("a.txt", "one 1\n");
	web_ask(s, "GET /a.txt" WEB_LAST);
	date = strstr(web_answer, "\r\nLast-Modified: ");
	assert_non_null(date);
	snprintf(line, sizeof(line), "If-Range: %.29s\r\n", date + strlen("\r\nLast-Modified: "));
	web_put("a.txt", "three\n");
	web_begins(resume(s, line, ""), "HTTP/1.1 200 ");
	then = time(NULL);
	while (time(NULL) < then + 3)
		harness_tick();
	web_begins(resume(s, line, ""), "HTTP/1.1 200 ");
	assert_string_equal(web_body(), "three\n");
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(if_range__resumes_only_the_same_state),
		E2E(file__that_is_another__is_sent_whole),
		E2E(file__rewritten_at_once__has_another_tag),
		E2E(file__rewritten_at_once__is_not_resumed_by_its_date),
	};

	return E2E_RUN(tests);
}
