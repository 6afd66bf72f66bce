/* SPDX-License-Identifier: MIT */
/* http: the listing of a folder: what is in it, in which order, and every link of it. */
#include "harness.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "client.h"
#include "web.h"

#define LISTING_1_0 " HTTP/1.0\r\n\r\n"
#define AS_JSON     " HTTP/1.0\r\nAccept: application/json, text/html;q=0.5\r\n\r\n"

static struct server *serve_folder(const char *options)
{
	char path[256];

	web_make_folder();
	web_put_folder("d");
	web_put_folder("d/sub");
	web_put("d/b.txt", "1234567");
	web_put("d/a.txt", "12");
	web_put("d/c.txt", "123");
	web_put("d/.hidden", "x");
	web_put_link("a.txt", "d/link");
	web_put_link("/etc/passwd", "d/absolute");
	web_put_link("../../../../../../../etc", "d/outside");
	web_put_link("nothing", "d/dangling");
	snprintf(path, sizeof(path), "%s/d/fifo", web_folder);
	assert_int_equal(mkfifo(path, 0666), 0);
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { "d/a.txt", "d/sub", "d/b.txt" };

		web_age(names[i]);
	}
	return web_serve(options);
}

/* The links behind the head of the table: with blanks between. */
static const char *links_of(const char *page)
{
	static char links[4096];
	size_t used = 0;

	links[0] = '\0';
	for (const char *at = strstr(page, "<tbody>"); (at = strstr(at, "href=\"")) != NULL;) {
		at += 6;
		used += (size_t)snprintf(links + used, sizeof(links) - used, "%s%.*s",
					 used > 0 ? " " : "", (int)strcspn(at, "\""), at);
	}
	return links;
}

static void folder__is_listed_as_a_page(void **state)
{
	struct server *s = serve_folder(",autoindex=yes,cache_control=max-age=5");

	(void)state;
	web_begins(web_ask(s, "GET /d/" LISTING_1_0), "HTTP/1.1 200 OK\r\n");
	web_has(web_answer, "\r\nContent-Type: text/html; charset=utf-8\r\n");
	web_has(web_answer, "\r\nVary: Accept\r\n");
	web_has(web_answer, "\r\nCache-Control: max-age=5\r\n");
	assert_null(strstr(web_answer, "ETag"));
	web_begins(web_body(), "<!DOCTYPE html>\n");
	web_has(web_answer, "<meta charset=\"utf-8\">");
	web_has(web_answer, "<title>Index of /d/</title>");
	web_has(web_answer, "<tr><td><a href=\"./b.txt\">b.txt</a></td><td>7</td>"
			    "<td>1970-01-01 00:16</td></tr>\n");
	web_has(web_answer, "<tr><td><a href=\"./sub/\">sub/</a></td><td></td>"
			    "<td>1970-01-01 00:16</td></tr>\n");
	assert_string_equal(links_of(web_answer), "../ ./sub/ ./a.txt ./b.txt ./c.txt ./link");
	assert_string_equal(links_of(web_ask(s, "GET /" LISTING_1_0)), "./d/");
	/* the whole of it, but without a body */
	web_begins(web_ask(s, "HEAD /d/" WEB_LAST), "HTTP/1.1 200 OK\r\n");
	web_has(web_answer, "\r\nContent-Type: text/html; charset=utf-8\r\n");
	assert_string_equal(web_body(), "");
	web_put("d/index.html", "<p>index\n");
	WAIT_UNTIL(s, strcmp((web_ask(s, "GET /d/" LISTING_1_0), web_body()), "<p>index\n") == 0);
	server_stop(s);
}

static void listing__obeys_the_options(void **state)
{
	struct server *s = serve_folder(",autoindex=yes,hidden=yes,follow_symlinks=no");

	(void)state;
	assert_string_equal(links_of(web_ask(s, "GET /d/" LISTING_1_0)),
			    "../ ./sub/ ./.hidden ./a.txt ./b.txt ./c.txt");
	server_stop(s);
	s = serve_folder("");
	web_begins(web_ask(s, "GET /d/" WEB_LAST), "HTTP/1.1 403 Forbidden\r\n");
	server_stop(s);
}

static void listing__is_sorted_as_asked(void **state)
{
	static const struct {
		const char *query, *links;
	} rows[] = {
		{ "?sort=name&order=desc", "../ ./sub/ ./link ./c.txt ./b.txt ./a.txt" },
		{ "?sort=size", "../ ./sub/ ./a.txt ./link ./c.txt ./b.txt" },
		{ "?sort=size&order=desc", "../ ./sub/ ./b.txt ./c.txt ./link ./a.txt" },
		{ "?order=asc&sort=date", "../ ./sub/ ./a.txt ./b.txt ./link ./c.txt" },
		{ "?sort=nothing&order", "../ ./sub/ ./a.txt ./b.txt ./c.txt ./link" },
	};
	struct server *s = serve_folder(",autoindex=yes");
	char request[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(request, sizeof(request), "GET /d/%s" LISTING_1_0, rows[i].query);
		assert_string_equal(links_of(web_ask(s, request)), rows[i].links);
	}
	/* a click on the column that sorts now turns the order round */
	web_ask(s, "GET /d/?sort=size" LISTING_1_0);
	web_has(web_answer, "<a href=\"?sort=size&amp;order=desc\">");
	web_has(web_answer, "<a href=\"?sort=name&amp;order=asc\">");
	web_ask(s, "GET /d/?sort=size&order=desc" LISTING_1_0);
	web_has(web_answer, "<a href=\"?sort=size&amp;order=asc\">");
	server_stop(s);
}

static void listing__is_json_for_a_program(void **state)
{
	struct server *s = serve_folder(",autoindex=yes");

	(void)state;
	web_put_folder("j");
	web_put_folder("j/z");
	web_put("j/a\"\\", "12");
	web_put("j/\xff", "1");
	web_age("j/z");
	web_age("j/a\"\\");
	web_age("j/\xff");
	web_ask(s, "GET /j/" AS_JSON);
	web_has(web_answer, "\r\nContent-Type: application/json\r\n");
	web_has(web_answer, "\r\nVary: Accept\r\n");
#define AGE "\"mtime\":\"Thu, 01 Jan 1970 00:16:40 GMT\""
	assert_string_equal(web_body(),
			    "[\n{ \"name\":\"z\", \"type\":\"directory\", " AGE " },\n"
			    "{ \"name\":\"a\\\"\\\\\", \"type\":\"file\", " AGE ", \"size\":2 },\n"
			    "{ \"name\":\"\\ufffd\", \"href\":\"./%FF\", \"type\":\"file\", " AGE
			    ", \"size\":1 }\n]\n");
	web_ask(s, "GET /j/z/" AS_JSON);
	assert_string_equal(web_body(), "[\n\n]\n");
	web_has(web_ask(s, "GET /j/ HTTP/1.0\r\nAccept: text/html,*/*;q=0.8\r\n\r\n"), "<html");
	web_has(web_ask(s, "GET /j/ HTTP/1.0\r\nAccept: */*\r\n\r\n"), "<html");
	server_stop(s);
}

/* Names that were trouble elsewhere; those with control characters no request can have. */
static const char *const odd[] = {
	"a#b",
	"a?b",
	"100%",
	"%2e-x",
	"my:file",
	"a&b",
	"'\"<img src=x onerror=1>",
	"\xff",
	"-x",
	" x",
	"x ",
	"a;b",
	"a+b",
	"a=b,c",
	"~",
	"$(x)",
	"\\",
	"a%2fb",
	"&amp;",
	"\xe2\x82\xac",
	"\xc3",
	"\xc2\x9b",
	"...",
	"javascript:x",
	"a@b",
	"[x]",
	"{x}|`^",
	"*",
};
static const char *const never[] = { "a\nb", "a\tb", "\x7f", "\x1b[m" };
enum { ODD = sizeof(odd) / sizeof(*odd), LONG_NAME = 255 };

static void put_name(const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "odd/%s", name);
	web_put(path, text);
}

/* The text of the link to that href, without escapes. */
static void check_text(const char *at, const char *name)
{
	static const char *const escapes[][2] = { { "&amp;", "&" },
						  { "&lt;", "<" },
						  { "&gt;", ">" },
						  { "&quot;", "\"" },
						  { "&#39;", "'" } };
	char text[512];
	size_t used = 0;

	while (*at != '<') {
		size_t i = 0;

		while (i < 5 && strncmp(at, escapes[i][0], strlen(escapes[i][0])) != 0)
			i++;
		if (i == 5) {
			assert_int_not_equal(*at, '&');
			text[used++] = *at++;
		} else {
			text[used++] = escapes[i][1][0];
			at += strlen(escapes[i][0]);
		}
	}
	text[used] = '\0';
	if (strstr(text, "\xef\xbf\xbd") == NULL)
		assert_string_equal(text, name);
}

/* Follows each link; a file's text is its number, which tells that it is the very file. */
static unsigned follow_links(struct server *s, const char *folder, const char *page,
			     char names[ODD + 1][256], bool *seen)
{
	unsigned count = 0;

	for (const char *at = strstr(page, "./"); (at = strstr(at, "href=\"./")) != NULL; count++) {
		char request[2048];
		unsigned long number;

		at += 8;
		snprintf(request, sizeof(request), "GET /%s/%.*s" WEB_LAST, folder,
			 (int)strcspn(at, "\""), at);
		web_begins(web_ask(s, request), "HTTP/1.1 200 OK\r\n");
		number = strtoul(web_body(), NULL, 10);
		assert_true(number <= ODD && !seen[number]);
		seen[number] = true;
		check_text(strchr(at, '>') + 1, names[number]);
	}
	return count;
}

static void every_link__leads_to_its_file(void **state)
{
	static char names[ODD + 1][256], page[65536];
	bool seen[ODD + 1] = { false };
	struct server *s;
	char text[16];

	(void)state;
	web_make_folder();
	web_put_folder("odd");
	for (unsigned i = 0; i < ODD; i++)
		snprintf(names[i], sizeof(names[i]), "%s", odd[i]);
	memset(names[ODD], 'n', LONG_NAME);
	for (unsigned i = 0; i <= ODD; i++) {
		snprintf(text, sizeof(text), "%u\n", i);
		put_name(names[i], text);
	}
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		put_name(never[i], "x");
	s = web_serve(",autoindex=yes,hidden=yes");
	snprintf(page, sizeof(page), "%s", web_ask(s, "GET /odd/" LISTING_1_0));
	assert_null(strstr(page, "<img"));
	assert_int_equal(follow_links(s, "odd", strstr(page, "<tbody>"), names, seen), ODD + 1);
	server_stop(s);
}

/* A folder of such a name: its title, its links, and the way back. */
static void folder__with_an_odd_name__is_listed(void **state)
{
	struct server *s;
	char path[256];

	(void)state;
	web_make_folder();
	web_put_folder("'\"<img src=x onerror=1>&:#?%");
	snprintf(path, sizeof(path), "'\"<img src=x onerror=1>&:#?%%/x");
	web_put(path, "x");
	s = web_serve(",autoindex=yes");
	assert_string_equal(links_of(web_ask(s, "GET /" LISTING_1_0)),
			    "./%27%22%3Cimg%20src%3Dx%20onerror%3D1%3E%26%3A%23%3F%25/");
	web_ask(s, "GET /%27%22%3Cimg%20src%3Dx%20onerror%3D1%3E%26%3A%23%3F%25/" LISTING_1_0);
	assert_string_equal(links_of(web_answer), "../ ./x");
	assert_null(strstr(web_answer, "<img"));
	web_has(web_answer,
		"<title>Index of /&#39;&quot;&lt;img src=x onerror=1&gt;&amp;:#?%/</title>");
	server_stop(s);
}

/* The cache has the folders, of which one is gone, and a file is in the place of the other. */
static void folder__that_is_lost_between_two_looks__is_not_found(void **state)
{
	static const char *const requests[] = { "GET /gone/" LISTING_1_0,
						"GET /file/" LISTING_1_0 };
	struct server *s;
	char path[256];

	(void)state;
	web_make_folder();
	web_put_folder("gone");
	web_put_folder("file");
	s = web_serve(",autoindex=yes,cache_valid=1h");
	for (size_t i = 0; i < 2; i++) {
		web_begins(web_ask(s, requests[i]), "HTTP/1.1 200 OK\r\n");
		snprintf(path, sizeof(path), "%s/%.4s", web_folder, requests[i] + 5);
		assert_int_equal(rmdir(path), 0);
	}
	web_put("file", "x");
	for (size_t i = 0; i < 2; i++)
		web_begins(web_ask(s, requests[i]), "HTTP/1.1 404 Not Found\r\n");
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(folder__is_listed_as_a_page),
		E2E(listing__obeys_the_options),
		E2E(listing__is_sorted_as_asked),
		E2E(listing__is_json_for_a_program),
		E2E(every_link__leads_to_its_file),
		E2E(folder__with_an_odd_name__is_listed),
		E2E(folder__that_is_lost_between_two_looks__is_not_found),
	};

	return E2E_RUN(tests);
}
