/* SPDX-License-Identifier: MIT */
/* http: what is answered where there is no file: other files, other addresses, pages for errors. */
#include "harness.h"

#include <string.h>
#include <sys/stat.h>

#include "client.h"
#include "web.h"

static struct server *serve(const char *lines)
{
	web_make_folder();
	web_put("index.html", "<p>app\n");
	web_put("about.html", "<p>about\n");
	web_age("about.html");
	web_put("a.txt", "a\n");
	web_put("404.html", "<p>none\n");
	web_age("404.html");
	web_put("error.html", "<p>error\n");
	web_put(".secret.html", "secret\n");
	web_put_folder("docs");
	web_put("docs/index.html", "<p>docs\n");
	web_put_folder("bare");
	return server_start(&(struct plan){ .conf = web_conf(lines) });
}

struct row {
	const char *request, *status;
	const char *text; /* the body, or where it leads; NULL: any */
};

static bool is_body(const char *text)
{
	return strcmp(web_body(), text) == 0;
}

static bool is_location(const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "\r\nLocation: %s\r\n", text);
	return strstr(web_answer, line) != NULL;
}

static void assert_answers(struct server *s, const struct row *rows, size_t count,
			   bool (*is_text)(const char *text))
{
	char line[64];

	for (size_t i = 0; i < count; i++) {
		snprintf(line, sizeof(line), "HTTP/1.1 %s\r\n", rows[i].status);
		web_ask(s, rows[i].request);
		if (strncmp(web_answer, line, strlen(line)) != 0 ||
		    (rows[i].text && !is_text(rows[i].text)))
			fail_msg("%s is answered with %.400s", rows[i].request, web_answer);
	}
}

#define ASSERT_ANSWERS(s, rows) assert_answers(s, rows, sizeof(rows) / sizeof(*(rows)), is_body)
#define ASSERT_LEADS(s, rows)   assert_answers(s, rows, sizeof(rows) / sizeof(*(rows)), is_location)

static void path__without_a_file__is_the_first_fallback_that_is_one(void **state)
{
	static const struct row rows[] = {
		{ "GET /a.txt" WEB_LAST, "200 OK", "a\n" },
		{ "GET /about" WEB_LAST, "200 OK", "<p>about\n" },
		{ "GET /about/" WEB_LAST, "200 OK", "<p>about\n" },
		{ "GET /x/../about" WEB_LAST, "200 OK", "<p>about\n" },
		{ "GET /docs" WEB_LAST, "301 Moved Permanently", NULL },
		{ "GET /docs/" WEB_LAST, "200 OK", "<p>docs\n" },
		{ "GET /docs/x" WEB_LAST, "200 OK", "<p>app\n" },
		{ "GET /a.txt/x" WEB_LAST, "200 OK", "<p>app\n" },
		{ "GET /no/such?x=/y" WEB_LAST, "200 OK", "<p>app\n" },
		{ "HEAD /no/such" WEB_LAST, "200 OK", "" },
		/* a name of any bytes, and one that looks like the variable */
		{ "GET /%25%c3%a4" WEB_LAST, "200 OK", "odd\n" },
		{ "GET /$uri" WEB_LAST, "200 OK", "<p>app\n" },
		/* hidden files stay hidden, whatever leads to them */
		{ "GET /.secret" WEB_LAST, "200 OK", "<p>app\n" },
		{ "GET /.secret.html" WEB_LAST, "200 OK", "<p>app\n" },
		/* a folder without an index is there */
		{ "GET /bare/" WEB_LAST, "403 Forbidden", NULL },
		{ "GET /%00" WEB_LAST, "400 Bad Request", NULL },
		{ "POST /no/such" WEB_LAST, "405 Method Not Allowed", NULL },
	};
	struct server *s = serve("\ttry = {$uri.html, /none.html, /bare/, /}");

	(void)state;
	web_put("%\xc3\xa4.html", "odd\n");
	ASSERT_ANSWERS(s, rows);
	web_has(web_ask(s, "GET /about" WEB_LAST),
		"\r\nContent-Type: text/html; charset=utf-8\r\n");
	web_has(web_answer, "\r\nETag: \"");
	server_stop(s);
}

static void path__without_a_file_or_a_fallback__has_the_last_status(void **state)
{
	static const struct row rows[] = {
		{ "GET /no" WEB_LAST, "403 Forbidden", NULL },
		{ "GET /about" WEB_LAST, "200 OK", "<p>about\n" },
		/* those of the location alone, which lead back to it: nothing loops */
		{ "GET /docs/no" WEB_LAST, "404 Not Found", NULL },
		{ "GET /docs/index" WEB_LAST, "404 Not Found", NULL },
		{ "GET /gone/x" WEB_LAST, "410 Gone", NULL },
	};
	struct server *s = serve("\ttry = {$uri.html, $uri/, \"=403\"}\n"
				 "\tlocation /docs { try = {/docs/x, $uri/no, \"$uri\"} }\n"
				 "\tlocation /gone { try = {\"=410\"} }");

	(void)state;
	ASSERT_ANSWERS(s, rows);
	server_stop(s);
}

/* As long as a request can be: a fallback may be longer. */
static void path__of_the_greatest_length__finds_its_fallback(void **state)
{
	struct server *s = serve("\ttry = {$uri$uri$uri, \"$uri.html\", /index.html}");
	static char request[9000], path[7900];

	(void)state;
	for (const char *c = "a%"; *c != '\0'; c++) {
		memset(path, 'a', sizeof(path) - 1);
		for (size_t i = 0; *c == '%' && i + 3 < sizeof(path); i += 3)
			memcpy(path + i, "%7C", 3);
		snprintf(request, sizeof(request), "GET /%s" WEB_LAST, path);
		web_begins(web_ask(s, request), "HTTP/1.1 200 OK\r\n");
		assert_string_equal(web_body(), "<p>app\n");
	}
	server_stop(s);
}

static void redirect__leads_to_another_address(void **state)
{
	static const struct row rows[] = {
		{ "GET /old/a/b?x=1&y" WEB_LAST, "301 Moved Permanently", "/new/a/b?x=1&y" },
		{ "GET /old/" WEB_LAST, "301 Moved Permanently", "/new/" },
		{ "GET /old" WEB_LAST, "301 Moved Permanently", "/new/" },
		{ "GET /old/a/" WEB_LAST, "301 Moved Permanently", "/new/a/" },
		{ "HEAD /old/a" WEB_LAST, "301 Moved Permanently", "/new/a" },
		{ "GET /blog/2026?p=1" WEB_LAST, "302 Found", "https://blog.example.org/?p=1" },
		{ "GET /see" WEB_LAST, "303 See Other", "/seen?from=see" },
		{ "GET /see?a=b" WEB_LAST, "303 See Other", "/seen?from=see&a=b" },
		{ "GET /t" WEB_LAST, "307 Temporary Redirect", "/u" },
		{ "POST /p" WEB_HOST "Content-Length: 3\r\nConnection: close\r\n\r\nabc",
		  "308 Permanent Redirect", "/q" },
		/* the path is decoded, and escaped again: no header comes of it */
		{ "GET /old/%2e/x%20y%3f%25%c3%a4" WEB_LAST, "301 Moved Permanently",
		  "/new/x%20y%3F%25%C3%A4" },
		/* and no other server */
		{ "GET /old//evil.example/" WEB_LAST, "301 Moved Permanently",
		  "/new/evil.example/" },
		{ "GET /root///evil.example" WEB_LAST, "301 Moved Permanently", "/evil.example" },
		/* before a file */
		{ "GET /a.txt" WEB_LAST, "301 Moved Permanently", "/b.txt" },
		/* in a location, whose are the only ones below it */
		{ "GET /docs/old/x" WEB_LAST, "301 Moved Permanently", "/docs/x" },
		{ "GET /old/1/2" WEB_LAST, "301 Moved Permanently", "/one" },
	};
	static const struct row others[] = {
		{ "GET /older" WEB_LAST, "404 Not Found", NULL },
		{ "GET /a.txt.x" WEB_LAST, "404 Not Found", NULL },
		{ "GET /docs/" WEB_LAST, "200 OK", "<p>docs\n" },
		{ "GET /old/%0d%0aX-A:%20b" WEB_LAST, "400 Bad Request", NULL },
	};
	struct server *s = serve(
		"\tredirect = {\"/old/1 /one\", \"/old/ /new/\", \"/blog https://blog.example.org/ "
		"302\",\n"
		"\t\t\"/see /seen?from=see 303\", \"/t /u 307\", \"/p /q 308\", \"/root/ /\",\n"
		"\t\t\"/a.txt /b.txt\", \"/docs/x /y\"}\n"
		"\tlocation /docs { redirect = {\"/docs/old/ /docs/\"} }");

	(void)state;
	ASSERT_LEADS(s, rows);
	ASSERT_ANSWERS(s, others);
	server_stop(s);
}

/* The whole of a server moves. */
static void redirect__of_the_root__keeps_the_path(void **state)
{
	static const struct row rows[] = {
		{ "GET /" WEB_LAST, "308 Permanent Redirect", "https://example.org/" },
		{ "GET /a/b/?c" WEB_LAST, "308 Permanent Redirect", "https://example.org/a/b/?c" },
	};
	struct server *s = serve("\tredirect = {\"/ https://example.org/ 308\"}");

	(void)state;
	ASSERT_LEADS(s, rows);
	server_stop(s);
}

static void assert_page(const char *body)
{
	assert_string_equal(web_body(), body);
	web_has(web_answer, "\r\nContent-Type: text/html; charset=utf-8\r\n");
	web_has(web_answer, "\r\nX-A: b\r\n");
	assert_null(strstr(web_answer, "\r\nETag: "));
	assert_null(strstr(web_answer, "\r\nLast-Modified: "));
	assert_null(strstr(web_answer, "\r\nCache-Control: "));
	assert_null(strstr(web_answer, "\r\nAccept-Ranges: "));
}

static void error__has_its_page(void **state)
{
	struct server *s =
		serve("\tcache_control = \"max-age=9\"  headers = {\"X-A: b\"}\n"
		      "\terror_page = {\"404 /404.html\", \"403 405 416 500 /error.html\"}\n"
		      "\tlocation /docs { error_page = {\"404 /docs/index.html\"} }");

	(void)state;
	web_begins(web_ask(s, "GET /no" WEB_LAST), "HTTP/1.1 404 Not Found\r\n");
	assert_page("<p>none\n");
	web_has(web_answer, "\r\nContent-Length: 8\r\n");
	web_begins(web_ask(s, "HEAD /no" WEB_LAST), "HTTP/1.1 404 Not Found\r\n");
	web_has(web_answer, "\r\nContent-Length: 8\r\n");
	assert_string_equal(web_body(), "");
	web_begins(web_ask(s, "GET /bare/" WEB_LAST), "HTTP/1.1 403 Forbidden\r\n");
	assert_page("<p>error\n");
	web_begins(web_ask(s, "POST /no" WEB_LAST), "HTTP/1.1 405 Method Not Allowed\r\n");
	assert_page("<p>error\n");
	web_has(web_answer, "\r\nAllow: GET, HEAD, OPTIONS\r\n");
	web_begins(web_ask(s, "GET /docs/no" WEB_LAST), "HTTP/1.1 404 Not Found\r\n");
	assert_page("<p>docs\n");
	/* neither a condition nor a range of the request holds for the page */
	web_begins(web_ask(s, "GET /no" WEB_HOST "If-None-Match: *\r\nRange: bytes=0-1\r\n"
			      "Connection: close\r\n\r\n"),
		   "HTTP/1.1 404 Not Found\r\n");
	assert_page("<p>none\n");
	web_begins(web_ask(s, "GET /a.txt" WEB_HOST "Range: bytes=9-\r\nConnection: close\r\n\r\n"),
		   "HTTP/1.1 416 Range Not Satisfiable\r\n");
	web_has(web_answer, "\r\nContent-Range: bytes */2\r\n");
	assert_page("<p>error\n");
	/* the page as a file is a file */
	web_begins(web_ask(s, "GET /404.html" WEB_LAST), "HTTP/1.1 200 OK\r\n");
	web_has(web_answer, "\r\nETag: \"");
	server_stop(s);
}

/* The statuses that the server itself fails with are no failure of their pages. */
static void error__of_the_server__has_its_page_once(void **state)
{
	static const struct row rows[] = {
		{ "GET /no" WEB_LAST, "500 Internal Server Error", "<p>error\n" },
		{ "HEAD /no" WEB_LAST, "500 Internal Server Error", "" },
		{ "GET /docs/no" WEB_LAST, "503 Service Unavailable", "<p>error\n" },
	};
	struct server *s = serve("\ttry = {\"=500\"}  error_page = {\"500 503 /error.html\"}\n"
				 "\tlocation /docs { try = {\"=503\"} }");

	(void)state;
	ASSERT_ANSWERS(s, rows);
	web_has(web_answer, "\r\nRetry-After: 1\r\n");
	server_stop(s);
}

static void page__that_cannot_be_sent__is_told_in_a_line(void **state)
{
	struct server *s =
		serve("\terror_page = {\"404 /none.html\", \"403 /bare\", \"405 /closed\"}");
	char path[256];

	(void)state;
	web_put("closed", "x");
	snprintf(path, sizeof(path), "%s/closed", web_folder);
	assert_int_equal(chmod(path, 0), 0);
	web_begins(web_ask(s, "GET /no" WEB_LAST), "HTTP/1.1 404 Not Found\r\n");
	assert_string_equal(web_body(), "404 Not Found\n");
	web_begins(web_ask(s, "GET /bare/" WEB_LAST), "HTTP/1.1 403 Forbidden\r\n");
	assert_string_equal(web_body(), "403 Forbidden\n");
	web_begins(web_ask(s, "POST /" WEB_LAST), "HTTP/1.1 405 Method Not Allowed\r\n");
	assert_string_equal(web_body(), "405 Method Not Allowed\n");
	server_stop(s);
}

/* Larger than any buffer, and the connection goes on behind it. */
static void page__that_is_large__is_sent_whole(void **state)
{
	enum { LARGE = 300 * 1024 };
	static char text[LARGE + 1];
	struct server *s = serve("\terror_page = {\"404 /large.html\"}");
	int fd;

	(void)state;
	memset(text, 'x', LARGE);
	web_put("large.html", text);
	fd = client_connect(FIRST(s));
	client_say(fd, "GET /no" WEB_HOST "\r\nGET /a.txt" WEB_LAST);
	assert_true(client_drain(fd, web_answer, sizeof(web_answer)) > LARGE);
	web_begins(web_answer, "HTTP/1.1 404 Not Found\r\n");
	assert_int_equal(strspn(web_body(), "x"), LARGE);
	web_begins(web_body() + LARGE, "HTTP/1.1 200 OK\r\n");
	close(fd);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(path__without_a_file__is_the_first_fallback_that_is_one),
		E2E(path__without_a_file_or_a_fallback__has_the_last_status),
		E2E(path__of_the_greatest_length__finds_its_fallback),
		E2E(redirect__leads_to_another_address),
		E2E(redirect__of_the_root__keeps_the_path),
		E2E(error__has_its_page),
		E2E(error__of_the_server__has_its_page_once),
		E2E(page__that_cannot_be_sent__is_told_in_a_line),
		E2E(page__that_is_large__is_sent_whole),
	};

	return E2E_RUN(tests);
}
