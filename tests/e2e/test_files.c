/* SPDX-License-Identifier: MIT */
/* http: files of a folder, whole and in ranges; what is no file, and what is not to be found. */
#include "harness.h"

#include <string.h>
#include <sys/stat.h>

#include "client.h"
#include "web.h"

/* Serves a new folder with a few files. */
static struct server *serve(const char *options)
{
	web_make_folder();
	web_put("a.txt", "hello\n");
	web_put("style.css", "b{}\n");
	web_put("empty", "");
	web_put_folder("sub");
	web_put("sub/index.html", "<p>sub\n");
	web_put_folder("bare");
	return web_serve(options);
}

static void file__is_served_with_what_tells_of_it(void **state)
{
	struct server *s = serve(",cache_control=max-age=60");

	(void)state;
	web_begins(web_ask(s, "GET /style.css" WEB_LAST), "HTTP/1.1 200 OK\r\n");
	web_age("a.txt");
	web_serves(s, "hello\n");
	web_has(web_answer, "\r\nContent-Type: text/plain; charset=utf-8\r\n");
	web_has(web_answer, "\r\nContent-Length: 6\r\n");
	web_has(web_answer, "\r\nLast-Modified: Thu, 01 Jan 1970 00:16:40 GMT\r\n");
	web_has(web_answer, "\r\nETag: \"");
	web_has(web_answer, "\r\nAccept-Ranges: bytes\r\n");
	web_has(web_answer, "\r\nCache-Control: max-age=60\r\n");
	web_has(web_ask(s, "GET /style.css" WEB_LAST),
		"\r\nContent-Type: text/css; charset=utf-8\r\n");
	web_begins(web_ask(s, "GET /empty" WEB_LAST), "HTTP/1.1 200 OK\r\n");
	web_has(web_answer, "\r\nContent-Length: 0\r\n");
	assert_string_equal(web_body(), "");
	web_begins(web_ask(s, "HEAD /a.txt" WEB_LAST), "HTTP/1.1 200 OK\r\n");
	web_has(web_answer, "\r\nContent-Length: 6\r\n");
	assert_string_equal(web_body(), "");
	server_stop(s);
}

static void folder__is_its_index(void **state)
{
	struct server *s = serve("");

	(void)state;
	web_begins(web_ask(s, "GET /sub/" WEB_LAST), "HTTP/1.1 200 OK\r\n");
	assert_string_equal(web_body(), "<p>sub\n");
	web_begins(web_ask(s, "GET /bare/" WEB_LAST), "HTTP/1.1 403 Forbidden\r\n");
	web_begins(web_ask(s, "GET /" WEB_LAST), "HTTP/1.1 403 Forbidden\r\n");
	web_begins(web_ask(s, "GET /sub?x=1" WEB_LAST), "HTTP/1.1 301 Moved Permanently\r\n");
	web_has(web_answer, "\r\nLocation: /sub/?x=1\r\n");
	/* no client is led to another server */
	web_has(web_ask(s, "GET //sub" WEB_LAST), "\r\nLocation: /sub/\r\n");
	web_has(web_ask(s, "GET /x/..///sub" WEB_LAST), "\r\nLocation: /sub/\r\n");
	server_stop(s);
}

/* A request that is answered by its status line. */
static const struct {
	const char *request, *status;
} others[] = {
	{ "GET /nothing" WEB_LAST, "404 Not Found" },
	{ "GET /a.txt/" WEB_LAST, "404 Not Found" },
	{ "GET /a.txt/b" WEB_LAST, "404 Not Found" },
	{ "GET /../a.txt" WEB_LAST, "400 Bad Request" },
	{ "GET /sub/%2e%2e/%2e%2e/etc/passwd" WEB_LAST, "400 Bad Request" },
	{ "GET /..%2fetc/passwd" WEB_LAST, "400 Bad Request" },
	{ "GET /%c0%ae%c0%ae/etc/passwd" WEB_LAST, "404 Not Found" },
	{ "GET /%252e%252e/etc/passwd" WEB_LAST, "404 Not Found" },
	{ "GET /a.txt%00.html" WEB_LAST, "400 Bad Request" },
	{ "GET /a%2" WEB_LAST, "400 Bad Request" },
	{ "GET /sub/../a.txt" WEB_LAST, "200 OK" },
	{ "GET /sub/%2e%2e/a.txt" WEB_LAST, "200 OK" },
	{ "GET http://x/a.txt" WEB_LAST, "200 OK" },
	{ "GET /.secret" WEB_LAST, "404 Not Found" },
	{ "GET /.git/config" WEB_LAST, "404 Not Found" },
	{ "GET /.well-known/a" WEB_LAST, "200 OK" },
	{ "GET /passwd" WEB_LAST, "403 Forbidden" },
	{ "GET /out/passwd" WEB_LAST, "403 Forbidden" },
	{ "GET /link.txt" WEB_LAST, "200 OK" },
	{ "GET /fifo" WEB_LAST, "403 Forbidden" },
	{ "GET /closed" WEB_LAST, "403 Forbidden" },
	{ "POST /a.txt" WEB_HOST "Content-Length: 0\r\nConnection: close\r\n\r\n",
	  "405 Method Not Allowed" },
	{ "OPTIONS /a.txt" WEB_LAST, "200 OK" },
	{ "OPTIONS *" WEB_LAST, "200 OK" },
};

static void request__has_its_status(void **state)
{
	struct server *s = serve("");
	char path[256];

	(void)state;
	web_put(".secret", "x");
	web_put_folder(".git");
	web_put(".git/config", "x");
	web_put_folder(".well-known");
	web_put(".well-known/a", "x");
	web_put_link("/etc/passwd", "passwd");
	web_put_link("../../../../../../etc", "out");
	web_put_link("a.txt", "link.txt");
	snprintf(path, sizeof(path), "%s/fifo", web_folder);
	assert_int_equal(mkfifo(path, 0666), 0);
	web_put("closed", "x");
	snprintf(path, sizeof(path), "%s/closed", web_folder);
	assert_int_equal(chmod(path, 0), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		char line[64];

		snprintf(line, sizeof(line), "HTTP/1.1 %s\r\n", others[i].status);
		web_ask(s, others[i].request);
		if (strncmp(web_answer, line, strlen(line)) != 0)
			fail_msg("%s is answered with %.60s", others[i].request, web_answer);
	}
	server_stop(s);
}

static const char *find_tag(char *tag, size_t size)
{
	const char *at = strstr(web_answer, "\r\nETag: ");

	assert_non_null(at);
	snprintf(tag, size, "%.*s", (int)strcspn(at + 8, "\r"), at + 8);
	return tag;
}

static const char *ask_with(struct server *s, const char *name, const char *value)
{
	char request[512];

	snprintf(request, sizeof(request),
		 "GET /a.txt" WEB_HOST "%s: %s\r\nConnection: close\r\n\r\n", name, value);
	return web_ask(s, request);
}

static void client__that_has_the_file__gets_it_not_again(void **state)
{
	struct server *s = serve("");
	char tag[128];

	(void)state;
	web_age("a.txt");
	web_ask(s, "GET /a.txt" WEB_LAST);
	find_tag(tag, sizeof(tag));
	web_begins(ask_with(s, "If-None-Match", tag), "HTTP/1.1 304 Not Modified\r\n");
	assert_string_equal(web_body(), "");
	web_has(web_answer, "\r\nETag: \"");
	web_begins(ask_with(s, "If-None-Match", "\"x\""), "HTTP/1.1 200 OK\r\n");
	web_begins(ask_with(s, "If-Match", "\"x\""), "HTTP/1.1 412 Precondition Failed\r\n");
	web_put("a.txt", "other\n");
	web_begins(ask_with(s, "If-None-Match", tag), "HTTP/1.1 200 OK\r\n");
	assert_string_equal(web_body(), "other\n");
	server_stop(s);
}

static void range__of_a_file__is_sent_alone(void **state)
{
	struct server *s = serve("");

	(void)state;
	web_begins(ask_with(s, "Range", "bytes=1-3"), "HTTP/1.1 206 Partial Content\r\n");
	web_has(web_answer, "\r\nContent-Range: bytes 1-3/6\r\n");
	assert_string_equal(web_body(), "ell");
	web_begins(ask_with(s, "Range", "bytes=-2"), "HTTP/1.1 206 Partial Content\r\n");
	assert_string_equal(web_body(), "o\n");
	web_begins(ask_with(s, "Range", "bytes=6-"), "HTTP/1.1 416 Range Not Satisfiable\r\n");
	web_has(web_answer, "\r\nContent-Range: bytes */6\r\n");
	web_begins(ask_with(s, "Range", "lines=1-2"), "HTTP/1.1 200 OK\r\n");
	web_begins(ask_with(s, "Range", "bytes=3-1"), "HTTP/1.1 200 OK\r\n");
	server_stop(s);
}

static void coded__file__is_sent_to_who_accepts_it(void **state)
{
	static const struct {
		const char *accepts, *coding, *text;
	} rows[] = {
		{ "gzip", "gzip", "GZ\n" },
		{ "gzip, br", "br", "BR\n" },
		{ "gzip;q=0.9, br;q=0.5", "gzip", "GZ\n" },
		{ "zstd", NULL, "hello\n" }, /* older than the file */
		{ "identity, gzip;q=0", NULL, "hello\n" },
		{ "deflate", NULL, "hello\n" },
	};
	struct server *s = serve(",precompressed=yes");
	char line[64];

	(void)state;
	web_put("a.txt.gz", "GZ\n");
	web_put("a.txt.br", "BR\n");
	web_put("a.txt.zst", "ZST\n");
	web_age("a.txt.zst");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		web_begins(ask_with(s, "Accept-Encoding", rows[i].accepts), "HTTP/1.1 200 OK\r\n");
		assert_string_equal(web_body(), rows[i].text);
		web_has(web_answer, "\r\nVary: Accept-Encoding\r\n");
		web_has(web_answer, "\r\nContent-Type: text/plain; charset=utf-8\r\n");
		snprintf(line, sizeof(line), "\r\nContent-Encoding: %s\r\n", rows[i].coding);
		assert_true((strstr(web_answer, "Content-Encoding") != NULL) ==
			    (rows[i].coding != NULL));
		if (rows[i].coding)
			web_has(web_answer, line);
	}
	web_begins(web_ask(s, "GET /a.txt.gz" WEB_LAST), "HTTP/1.1 200 OK\r\n");
	assert_string_equal(web_body(), "GZ\n");
	server_stop(s);
}

/* Also of those that have no file, and of what is no HTTP. */
static void header__of_the_options__is_on_every_answer(void **state)
{
#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
	static const struct {
		const char *request, *status;
	} rows[] = {
		{ "GET /a.txt" WEB_LAST, "200" },
		{ "GET /b.txt" WEB_LAST, "404" },
		{ "POST /a.txt" WEB_LAST, "405" },
		{ "BREW /a.txt" WEB_LAST, "501" },
		{ "OPTIONS /a.txt" WEB_LAST, "200" },
		{ "OPTIONS *" WEB_LAST, "200" },
		{ "GET /%00" WEB_LAST, "400" },
		{ "no HTTP\r\n\r\n", "400" },
		{ "GET /a.txt HTTP/2.0\r\n\r\n", "505" },
		{ "GET /", "408" },
		{ "POST /a.txt" WEB_HOST "Content-Length: 999999999999\r\n\r\n", "413" },
		{ "GET /" LONG LONG LONG LONG, "414" },
		{ "GET /" WEB_HOST "X: " LONG LONG LONG LONG, "431" },
	};
	struct server *s;

	(void)state;
	web_make_folder();
	web_put("a.txt", "hello\n");
	s = server_start(&(struct plan){
		.conf = web_conf("headers = {\"X-Frame-Options: DENY\", \"X-A: b c\"}\n"
				 "header_timeout = 300ms  max_header = 256\n"
				 "location /a.txt { }") });
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		web_begins(web_ask(s, rows[i].request), "HTTP/1.1 ");
		web_begins(web_answer + strlen("HTTP/1.1 "), rows[i].status);
		web_has(web_answer, "\r\nX-Frame-Options: DENY\r\nX-A: b c\r\n");
	}
	server_stop(s);
}

/* Browsers take two policies together, so that a listing would lose its style. */
static void headers__that_the_server_has_as_well__stand_once_as_configured(void **state)
{
	static const char *const paths[] = { "GET /", "GET /missing" };
	struct server *s;

	(void)state;
	web_make_folder();
	s = server_start(&(struct plan){
		.conf = web_conf("autoindex = yes\n"
				 "headers = {\"x-content-type-options: none\",\n"
				 "\"Content-Security-Policy: default-src 'self'\",\n"
				 "\"Vary: A\"}") });
	for (size_t i = 0; i < 2; i++) {
		char request[128];

		snprintf(request, sizeof(request), "%s" WEB_LAST, paths[i]);
		web_has(web_ask(s, request), "\r\nx-content-type-options: none\r\n");
		web_has(web_answer, "\r\nContent-Security-Policy: default-src 'self'\r\n");
		web_has(web_answer, "\r\nVary: A\r\n");
		assert_null(strstr(web_answer, "nosniff"));
		assert_null(strstr(web_answer, "unsafe-inline"));
	}
	web_has(web_ask(s, "GET /" WEB_LAST), "\r\nVary: Accept\r\n");
	server_stop(s);
}

static void requests__in_a_row__are_answered_in_order(void **state)
{
	struct server *s = serve("");
	int fd = client_connect(FIRST(s));
	const char *first, *second, *third;

	(void)state;
	client_say(fd, "GET /a.txt" WEB_HOST "\r\nGET /style.css" WEB_HOST
		       "Content-Length: 3\r\n\r\nGETGET /sub/" WEB_LAST);
	client_drain(fd, web_answer, sizeof(web_answer));
	first = strstr(web_answer, "\r\n\r\nhello\n");
	second = strstr(web_answer, "\r\n\r\nb{}\n");
	third = strstr(web_answer, "\r\n\r\n<p>sub\n");
	assert_true(first && second && third && first < second && second < third);
	close(fd);
	server_stop(s);
}

/* A release that is put in place by a link is served without a reload. */
static void root__that_is_another_folder_now__is_served(void **state)
{
	char listen[512], link[256];
	struct server *s;

	(void)state;
	web_make_folder();
	web_put_folder("1");
	web_put_folder("2");
	web_put("1/a.txt", "one\n");
	web_put("2/a.txt", "two\n");
	web_put_link("1", "now");
	snprintf(link, sizeof(link), "%s/now", web_folder);
	snprintf(listen, sizeof(listen), "127.0.0.1:0=http,root=%s", link);
	s = server_start(&(struct plan){ .listen = { listen }, .workers = 2 });
	web_ask(s, "GET /a.txt" WEB_LAST);
	assert_string_equal(web_body(), "one\n");
	assert_int_equal(unlink(link), 0);
	web_put_link("2", "now");
	WAIT_UNTIL(s, strcmp((web_ask(s, "GET /a.txt" WEB_LAST), web_body()), "two\n") == 0);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(file__is_served_with_what_tells_of_it),
		E2E(folder__is_its_index),
		E2E(request__has_its_status),
		E2E(client__that_has_the_file__gets_it_not_again),
		E2E(range__of_a_file__is_sent_alone),
		E2E(coded__file__is_sent_to_who_accepts_it),
		E2E(header__of_the_options__is_on_every_answer),
		E2E(headers__that_the_server_has_as_well__stand_once_as_configured),
		E2E(requests__in_a_row__are_answered_in_order),
		E2E(root__that_is_another_folder_now__is_served),
	};

	return E2E_RUN(tests);
}
