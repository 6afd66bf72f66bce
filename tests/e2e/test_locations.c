/* SPDX-License-Identifier: MIT */
/* http: locations, each with options of its own for the paths below its prefix. */
#include "harness.h"

#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "client.h"
#include "web.h"

/* The root, and another folder in it that has the same path. */
static void make_folders(void)
{
	web_make_folder();
	web_put("a.txt", "a\n");
	web_put("image", "image\n");
	web_put_folder("img");
	web_put("img/i.txt", "img\n");
	web_put_folder("img/big");
	web_put("img/big/b.txt", "big\n");
	web_put_folder("other");
	web_put_folder("other/img");
	web_put("other/img/i.txt", "other\n");
	web_put("other/img/index.txt", "index\n");
}

static struct server *serve(const char *lines)
{
	return server_start(&(struct plan){ .conf = web_conf(lines) });
}

static void assert_body(struct server *s, const char *request, const char *text)
{
	web_begins(web_ask(s, request), "HTTP/1.1 200 OK\r\n");
	assert_string_equal(web_body(), text);
}

static void location__of_a_path__is_the_one_with_the_longest_prefix(void **state)
{
	struct server *s;

	(void)state;
	make_folders();
	s = serve("headers = {\"X-At: listen\"}\n"
		  "location \"/img/big\" { headers = {\"X-At: big\"} }\n"
		  "location \"/\" { headers = {\"X-At: top\"} }\n"
		  "location \"/img/\" { headers = {\"X-At: img\"} }");
	web_has(web_ask(s, "GET /a.txt" WEB_LAST), "\r\nX-At: top\r\n");
	web_has(web_ask(s, "GET /image" WEB_LAST), "\r\nX-At: top\r\n");
	web_has(web_ask(s, "GET /img/i.txt" WEB_LAST), "\r\nX-At: img\r\n");
	web_has(web_ask(s, "GET /img" WEB_LAST), "\r\nX-At: img\r\n");
	web_has(web_ask(s, "GET /img/bigger" WEB_LAST), "\r\nX-At: img\r\n");
	web_has(web_ask(s, "GET /img/big/b.txt" WEB_LAST), "\r\nX-At: big\r\n");
	/* whatever the path was written like */
	web_has(web_ask(s, "GET //%69mg/./x/../i.txt" WEB_LAST), "\r\nX-At: img\r\n");
	web_has(web_ask(s, "GET /img/../a.txt" WEB_LAST), "\r\nX-At: top\r\n");
	web_has(web_ask(s, "POST /img/i.txt" WEB_LAST), "\r\nX-At: img\r\n");
	/* what is no path is the listener's own */
	web_has(web_ask(s, "GET /img/%00" WEB_LAST), "\r\nX-At: listen\r\n");
	server_stop(s);
}

static void location__has_what_it_does_not_set__from_its_listen(void **state)
{
	struct server *s;

	(void)state;
	make_folders();
	/* also what stands behind it */
	s = serve("location \"/img/\" { index = {\"i.txt\"} }\n"
		  "headers = {\"X-A: b\"} etag = no");
	assert_body(s, "GET /img/" WEB_LAST, "img\n");
	web_has(web_answer, "\r\nX-A: b\r\n");
	assert_null(strstr(web_answer, "\r\nETag: "));
	web_begins(web_ask(s, "GET /" WEB_LAST), "HTTP/1.1 403 Forbidden\r\n");
	server_stop(s);
}

/* As with nginx, and not as with its alias. */
static void root__of_a_location__has_the_whole_path_below_it(void **state)
{
	struct server *s;
	char lines[512];

	(void)state;
	make_folders();
	snprintf(lines, sizeof(lines),
		 "location \"/img\" { root = \"%s/other\" index = {\"index.txt\"} }", web_folder);
	s = serve(lines);
	assert_body(s, "GET /img/i.txt" WEB_LAST, "other\n");
	assert_body(s, "GET /img/" WEB_LAST, "index\n");
	web_has(web_ask(s, "GET /img" WEB_LAST), "\r\nLocation: /img/\r\n");
	web_begins(web_ask(s, "GET /img/big/b.txt" WEB_LAST), "HTTP/1.1 404 Not Found\r\n");
	assert_body(s, "GET /a.txt" WEB_LAST, "a\n");
	server_stop(s);
}

/* Receives to web_answer up to the end of the text. */
static void hear_until(int fd, const char *end)
{
	size_t got = 0;

	do {
		ssize_t n = recv(fd, web_answer + got, sizeof(web_answer) - 1 - got, 0);

		assert_true(n > 0);
		got += (size_t)n;
		web_answer[got] = '\0';
	} while (!strstr(web_answer, end));
}

/* The connection is asked again where it was, under other locations. */
static void reload__changes_the_locations_of_open_connections(void **state)
{
	struct server *s;
	char out[256];
	int fd;

	(void)state;
	make_folders();
	s = serve("location \"/a.txt\" { headers = {\"X-At: old\"} }\n"
		  "location \"/img\" { headers = {\"X-At: img\"} }");
	fd = client_connect(FIRST(s));
	client_say(fd, "GET /a.txt" WEB_HOST "\r\n");
	hear_until(fd, "\r\n\r\na\n");
	web_has(web_answer, "\r\nX-At: old\r\n");
	server_configure(s, web_conf("location \"/img\" { headers = {\"X-At: new\"} }"));
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), CODE_OK);
	client_say(fd, "GET /img/i.txt" WEB_LAST);
	client_drain(fd, web_answer, sizeof(web_answer));
	web_has(web_answer, "\r\nX-At: new\r\n");
	close(fd);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(location__of_a_path__is_the_one_with_the_longest_prefix),
		E2E(location__has_what_it_does_not_set__from_its_listen),
		E2E(root__of_a_location__has_the_whole_path_below_it),
		E2E(reload__changes_the_locations_of_open_connections),
	};

	return E2E_RUN(tests);
}
