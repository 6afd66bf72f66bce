/* SPDX-License-Identifier: MIT */
/* http: several ranges in one answer, whoever sends it, and sets of ranges in bad faith. */
#include "harness.h"

#include <sys/stat.h>

#include "base/err.h"
#include "client.h"
#include "download.h"

enum { OVERHEAD = 1024, SMALL = 10000 };

static const char *ask_ranges(const struct server *s, const char *name, const char *ranges)
{
	static char request[20200];

	snprintf(request, sizeof(request),
		 "GET /%s" WEB_HOST "Range: bytes=%s\r\nConnection: close\r\n\r\n", name, ranges);
	return web_ask(s, request);
}

/* The boundary that the head in web_answer names. */
static const char *find_boundary(void)
{
	static char boundary[80];
	const char *at = strstr(web_answer, "\r\nContent-Type: multipart/byteranges; boundary=");

	assert_non_null(at);
	at = strchr(at, '=') + 1;
	snprintf(boundary, sizeof(boundary), "%.*s", (int)strcspn(at, "\r"), at);
	return boundary;
}

static size_t announced(void)
{
	const char *at = strstr(web_answer, "\r\nContent-Length: ");

	assert_non_null(at);
	return strtoul(at + 18, NULL, 10);
}

static void ranges__of_a_file__are_parts_of_one_body(void **state)
{
	struct server *s;
	char wanted[512], boundary[80];

	(void)state;
	web_make_folder();
	web_put("a.txt", "hello\n");
	web_age("a.txt");
	s = web_serve("");
	web_begins(ask_ranges(s, "a.txt", "-2,0-1"), "HTTP/1.1 206 Partial Content\r\n");
	snprintf(boundary, sizeof(boundary), "%s", find_boundary());
	snprintf(wanted, sizeof(wanted),
		 "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
		 "Content-Range: bytes 4-5/6\r\n\r\no\n"
		 "\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
		 "Content-Range: bytes 0-1/6\r\n\r\nhe"
		 "\r\n--%s--\r\n",
		 boundary, boundary, boundary);
	assert_string_equal(web_body(), wanted);
	assert_int_equal(announced(), strlen(wanted));
	assert_true(strstr(web_answer, "Content-Range") > web_body());
	web_has(web_answer, "\r\nAccept-Ranges: bytes\r\n");
	web_has(web_answer, "\r\nETag: \"");
	ask_ranges(s, "a.txt", "-2,0-1");
	assert_string_not_equal(find_boundary(), boundary);
	/* one that remains */
	web_begins(ask_ranges(s, "a.txt", "9-,1-2"), "HTTP/1.1 206 Partial Content\r\n");
	web_has(web_answer, "\r\nContent-Range: bytes 1-2/6\r\n");
	assert_string_equal(web_body(), "el");
	web_begins(web_ask(s, "HEAD /a.txt" WEB_HOST
			      "Range: bytes=-2,0-1\r\nConnection: close\r\n\r\n"),
		   "HTTP/1.1 200 OK\r\n");
	web_begins(web_ask(s, "GET /a.txt HTTP/1.0\r\nRange: bytes=-2,0-1\r\n\r\n"),
		   "HTTP/1.1 206 Partial Content\r\n");
	assert_int_equal(announced(), strlen(web_body()));
	server_stop(s);
}

/* The text n times, with commas. */
static const char *repeat(const char *text, unsigned n)
{
	static char all[20000];
	size_t used = 0;

	for (unsigned i = 0; i < n; i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? "," : "",
					 text);
	return all;
}

/* Ranges of `length` bytes, each so many bytes after the one before, or before it. */
static const char *step_on(unsigned n, int first, int step, int length)
{
	static char all[20000];
	size_t used = 0;

	for (unsigned i = 0; i < n; i++, first += step)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%d-%d", i ? "," : "",
					 first, first + length - 1);
	return all;
}

/* Whatever is asked for, the body is hardly longer than the file, and as announced. */
static void expect_set(struct server *s, const char *ranges, const char *status, const char *line)
{
	char begin[64];
	size_t length;

	snprintf(begin, sizeof(begin), "HTTP/1.1 %s", status);
	web_begins(ask_ranges(s, "small", ranges), begin);
	web_has(web_answer, line);
	length = strlen(web_body());
	assert_int_equal(announced(), length);
	if (length > SMALL + OVERHEAD)
		fail_msg("%zu bytes for %.60s", length, ranges);
}

static void sets__in_bad_faith__get_no_more_than_the_file(void **state)
{
	static char text[SMALL + 1];
	struct server *s;

	(void)state;
	web_make_folder();
	memset(text, 'x', SMALL);
	web_put("small", text);
	s = web_serve("");
	expect_set(s, repeat("0-", 1000), "200", "Content-Length: 10000\r\n");
	expect_set(s, repeat("1-2929", 900), "200", "Content-Length: 10000\r\n");
	expect_set(s, repeat("1-2929", 4), "200", "Content-Length: 10000\r\n");
	expect_set(s, repeat("-1", 2500), "200", "Content-Length: 10000\r\n");
	expect_set(s, step_on(700, 9999, -1, 1), "200", "Content-Length: 10000\r\n");
	expect_set(s, step_on(65, 9000, -10, 1), "200", "Content-Length: 10000\r\n");
	expect_set(s, step_on(60, 9000, -10, 1), "206", "boundary=");
	expect_set(s, "0-4999,2000-9999", "206", "Content-Range: bytes 0-9999/10000\r\n");
	expect_set(s, "0-9,10-19", "206", "Content-Range: bytes 0-19/10000\r\n");
	expect_set(s, "10-19,0-9", "206", "Content-Range: bytes 0-19/10000\r\n");
	/* the heads of the parts would be more than what is saved */
	expect_set(s, step_on(64, 0, 156, 155), "200", "Content-Length: 10000\r\n");
	expect_set(s, "10000-,20000-", "416", "Content-Range: bytes */10000\r\n");
	/* 16 kB of ranges: the head is refused */
	web_begins(ask_ranges(s, "small", repeat("0-", 5300)), "HTTP/1.1 431");
	server_stop(s);
}

/* There is no range of it; -1 is satisfiable, and a client that always asks for ranges gets 200. */
static void empty_file__is_sent_whole(void **state)
{
	static const char *const sets[] = { "0-",    "0-0",   "-1",    "-0",  "5-",
					    "0-,-1", "0-,5-", "-0,-1", "1-0", "-",
					    "0--1",  "",      "0",     "5-9", "-99999999" };
	static const char *const methods[] = { "GET", "HEAD" };
	static const char *const conditions[] = { "", "If-Range: \"x\"\r\n",
						  "If-Range: Thu, 01 Jan 1970 00:16:40 GMT\r\n" };
	struct server *s;
	char request[256];

	(void)state;
	web_make_folder();
	web_put("empty", "");
	web_age("empty");
	s = web_serve("");
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets) * 6; i++) {
		snprintf(request, sizeof(request),
			 "%s /empty" WEB_HOST "Range: bytes=%s\r\n%sConnection: close\r\n\r\n",
			 methods[i % 2], sets[i / 6], conditions[i / 2 % 3]);
		web_begins(web_ask(s, request), "HTTP/1.1 200 OK\r\n");
		web_has(web_answer, "\r\nContent-Length: 0\r\n");
		assert_null(strstr(web_answer, "Content-Range"));
		assert_string_equal(web_body(), "");
	}
	server_stop(s);
}

/* The head of the next part; returns where its bytes begin, and sets their end. */
static size_t next_part(int fd, size_t *end)
{
	size_t first, last;
	const char *at;

	download_head(fd);
	at = strstr(web_answer, "Content-Range: bytes ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "Content-Range: bytes %zu-%zu/50331648\r\n", &first, &last), 2);
	web_has(web_answer, "\r\nContent-Type: application/octet-stream\r\n");
	*end = last + 1;
	return first;
}

static int begin_parts(const struct server *s, const char *ranges, const char *more)
{
	char request[20200];
	int fd = client_connect(FIRST(s));

	snprintf(request, sizeof(request), "GET /large" WEB_HOST "Range: bytes=%s\r\n\r\n%s",
		 ranges, more);
	client_say(fd, request);
	download_head(fd);
	web_begins(web_answer, "HTTP/1.1 206 Partial Content\r\n");
	(void)find_boundary();
	return fd;
}

/* The end of the body, and the answer to the next request behind it. */
static void expect_last(int fd)
{
	char end[32];

	client_expect(fd, "\r\n--", 4);
	assert_int_equal(read(fd, end, 20), 20);
	assert_memory_equal(end + 16, "--\r\n", 4);
	client_drain(fd, web_answer, sizeof(web_answer));
	web_begins(web_answer, "HTTP/1.1 200 OK\r\n");
	assert_string_equal(web_body(), "hello\n");
}

/* In each part another worker goes on, with a file that nobody else can open. */
static void parts__outlive_workers_and_reloads(void **state)
{
	struct server *s = download_serve("");
	int fd = begin_parts(s,
			     "30000000-39999999,20000000-20000009,0-9999999,10000002-18000000,"
			     "-9000000",
			     "GET /a.txt" WEB_LAST);
	char path[256], out[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/large", web_folder);
	assert_int_equal(unlink(path), 0);
	for (unsigned part = 0; part < 5; part++) {
		size_t end, at = next_part(fd, &end);

		if (part == 1) {
			download_go_on(fd, &at, end);
			continue;
		}
		download_go_on(fd, &at, at + (end - at) / 2);
		if (part % 2 == 0)
			web_kill_worker(s, fd);
		else
			assert_int_equal(server_verb(s, "reload", out, sizeof(out)), CODE_OK);
		download_go_on(fd, &at, end);
	}
	expect_last(fd);
	close(fd);
	server_stop(s);
}

static void fifty__parts__come_in_order(void **state)
{
	struct server *s = download_serve("");
	int fd = begin_parts(s, step_on(50, 100, 1000000, 300), "GET /a.txt" WEB_LAST);

	(void)state;
	for (size_t part = 0; part < 50; part++) {
		size_t end, at = next_part(fd, &end);

		assert_int_equal(at, 100 + part * 1000000);
		assert_int_equal(end, at + 300);
		download_go_on(fd, &at, end);
	}
	expect_last(fd);
	close(fd);
	server_stop(s);
}

/* In a large part, in a small one, and before all but the first. */
static void parts__of_a_file_that_becomes_shorter__end_with_a_reset(void **state)
{
	static const char *const ranges[] = { "0-19999999,30000000-39999999",
					      "0-19999999,30000000-30000009",
					      "9-9,0-7,10000000-39999999" };

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct server *s = download_serve("");
		int fd = begin_parts(s, ranges[i], "GET /a.txt" WEB_LAST);
		char path[256];
		ssize_t n;

		snprintf(path, sizeof(path), "%s/large", web_folder);
		assert_int_equal(truncate(path, 25000000), 0);
		do
			n = read(fd, web_answer, sizeof(web_answer));
		while (n > 0);
		assert_true(n < 0 && errno == ECONNRESET);
		close(fd);
		server_wait_event(s, "connection_ended", "ending=file_shrank");
		server_stop(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(ranges__of_a_file__are_parts_of_one_body),
		E2E(sets__in_bad_faith__get_no_more_than_the_file),
		E2E(empty_file__is_sent_whole),
		E2E(parts__outlive_workers_and_reloads),
		E2E(fifty__parts__come_in_order),
		E2E(parts__of_a_file_that_becomes_shorter__end_with_a_reset),
	};

	return E2E_RUN(tests);
}
