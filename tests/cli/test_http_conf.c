/* SPDX-License-Identifier: MIT */
/* The options of service http: what is refused, and with what words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/command.h"
#include "unit/folder.h"

static struct said said;

/* In a listen at the first line of x.conf, or in a location of it; the option is at the third. */
static void check(void **state, const char *option, bool in_location)
{
	char text[8192];

	snprintf(text, sizeof(text),
		 "listen \"127.0.0.1:0\" { service = http root = \"%s\"\n%s\n%s\n%s}\n"
		 "worker_connections = 16\n",
		 (const char *)*state, in_location ? "location /a {" : "", option,
		 in_location ? "}" : "");
	folder_write(*state, "x.conf", text);
	RUN(&said, *state, "-t", "-q", "-c", "x.conf", "-p", "none");
}

struct row {
	const char *option, *message;
};

static void assert_refused(void **state, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < 2 * count; i++) {
		char line[1024];

		check(state, rows[i / 2].option, i % 2 == 1);
		snprintf(line, sizeof(line), "prefork-srv: x.conf:3: %s\n", rows[i / 2].message);
		assert_string_equal(said.err, line);
		assert_int_equal(said.code, CODE_CONFIG);
	}
}

#define ASSERT_REFUSED(state, rows) assert_refused(state, rows, sizeof(rows) / sizeof(*(rows)))

static void assert_taken(void **state, const char *option)
{
	for (int i = 0; i < 2; i++) {
		check(state, option, i == 1);
		assert_string_equal(said.err, "");
		assert_int_equal(said.code, CODE_OK);
	}
}

static void headers__that_are_wrong__are_refused(void **state)
{
#define NO_HEADER(text) "headers: \"" text "\" is not a header (write \"X-Frame-Options: DENY\")"
	static const struct row rows[] = {
		{ "headers = {\"X-A b\"}", NO_HEADER("X-A b") },
		{ "headers = {\"X-A:b\"}", NO_HEADER("X-A:b") },
		{ "headers = {\"X A: b\"}", NO_HEADER("X A: b") },
		{ "headers = {\": abc\"}", NO_HEADER(": abc") },
		{ "headers = {\"X-A: \"}", NO_HEADER("X-A: ") },
		{ "headers = {\"X-A: b\", \"X-B: a\\r\\nX-C: c\"}", NO_HEADER("X-B: a??X-C: c") },
		{ "headers = {\"Content-Length: 3\"}",
		  "headers: \"Content-Length: 3\" is written by the server itself" },
		{ "headers = {\"X-A: b\", \"DATE: x\"}",
		  "headers: \"DATE: x\" is written by the server itself" },
		{ "headers = {\"eTag: x\"}",
		  "headers: \"eTag: x\" is written by the server itself" },
	};

	ASSERT_REFUSED(state, rows);
	assert_taken(state, "headers = {\"X-Frame-Options: DENY\", \"A: \xc3\xa4\"}");
}

/* Together they must fit the buffer that has them. */
static void headers__that_are_too_long_together__are_refused(void **state)
{
	static char option[4200];
	static const struct row rows[] = {
		{ option, "headers: all together have more than 4095 bytes" },
	};
	char value[3001];

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	snprintf(option, sizeof(option), "headers = {\"A: %s\", \"B: %.1085s\"}", value, value);
	assert_taken(state, option);
	snprintf(option, sizeof(option), "headers = {\"A: %s\", \"B: %.1086s\"}", value, value);
	ASSERT_REFUSED(state, rows);
}

static void index__that_is_no_name__is_refused(void **state)
{
#define NO_INDEX(text)                                                                       \
	"index: \"" text "\" is not the name of a file in the folder (write a name such as " \
	"index.html)"
	static const struct row rows[] = {
		{ "index = {\"a/b\"}", NO_INDEX("a/b") },
		{ "index = {\"/a\"}", NO_INDEX("/a") },
		{ "index = {index.html, \"..\"}", NO_INDEX("..") },
		{ "index = {\".a\"}", NO_INDEX(".a") },
	};

	ASSERT_REFUSED(state, rows);
	assert_taken(state, "index = {}");
	assert_taken(state, "index = {\"a b\", \"index.htm\"}");
}

static void values__that_are_no_header__are_refused(void **state)
{
	static const struct row rows[] = {
		{ "cache_control = \"a\\nb\"",
		  "cache_control: a header cannot have control characters" },
		{ "default_type = \"a/b\\rc\"",
		  "default_type: a header cannot have control characters" },
	};

	ASSERT_REFUSED(state, rows);
}

static void try__that_is_wrong__is_refused(void **state)
{
#define NO_PATH(text)   "try: \"" text "\" is not a path (such as /index.html or $uri.html)"
#define NO_STATUS(text) "try: \"" text "\" is no status that can be answered (such as =404)"
	static const struct row rows[] = {
		{ "try = {\"index.html\"}", NO_PATH("index.html") },
		{ "try = {\"/a/../b\"}", NO_PATH("/a/../b") },
		{ "try = {\"$uri/../b\"}", NO_PATH("$uri/../b") },
		{ "try = {\"/a/$uri\"}", NO_PATH("/a/$uri") },
		{ "try = {\"a$uri\"}", NO_PATH("a$uri") },
		{ "try = {\"$urix\"}", NO_PATH("$urix") },
		{ "try = {\"$args\"}", NO_PATH("$args") },
		{ "try = {\"/$\"}", NO_PATH("/$") },
		{ "try = {\"/a\\nb\"}", NO_PATH("/a?b") },
		{ "try = {\"@app\"}", NO_PATH("@app") },
		{ "try = {\"=404\", /a}", "try: \"=404\" is not the last one" },
		{ "try = {\"=200\"}", NO_STATUS("=200") },
		{ "try = {\"=418\"}", NO_STATUS("=418") },
		{ "try = {\"=0404\"}", NO_STATUS("=0404") },
		{ "try = {\"=404 \"}", NO_STATUS("=404 ") },
		{ "try = {\"=\"}", NO_STATUS("=") },
	};

	ASSERT_REFUSED(state, rows);
	assert_taken(state, "try = {$uri.html, $uri/index.htm, $uri/, \"/a b\", \"=404\"}");
	assert_taken(state, "try = {/app$uri, /}");
}

static void redirect__that_is_wrong__is_refused(void **state)
{
#define NO_FORM(text) "redirect: \"" text "\" is not FROM TO [STATUS] (write \"/old/ /new/ 301\")"
#define NO_FROM(text)                                                            \
	"redirect: \"" text                                                      \
	"\" has a FROM that is not a path (it begins with /, and no name in it " \
	"is empty, \".\" or \"..\")"
#define NO_TO(text) \
	"redirect: \"" text "\" has a TO that is neither a path nor http://... or https://..."
#define NO_CODE(text) "redirect: \"" text "\" has a STATUS that is not 301, 302, 303, 307 or 308"
	static const struct row rows[] = {
		{ "redirect = {\"/old\"}", NO_FORM("/old") },
		{ "redirect = {\"/a /b 301 x\"}", NO_FORM("/a /b 301 x") },
		{ "redirect = {\"a /b\"}", NO_FROM("a /b") },
		{ "redirect = {\"/../a /b\"}", NO_FROM("/../a /b") },
		{ "redirect = {\"//a /b\"}", NO_FROM("//a /b") },
		{ "redirect = {\"/a b\"}", NO_TO("/a b") },
		{ "redirect = {\"/a //b\"}", NO_TO("/a //b") },
		{ "redirect = {\"/a http://\"}", NO_TO("/a http://") },
		{ "redirect = {\"/a https:///x\"}", NO_TO("/a https:///x") },
		{ "redirect = {\"/a javascript:x\"}", NO_TO("/a javascript:x") },
		{ "redirect = {\"/a /b#c\"}", NO_TO("/a /b#c") },
		{ "redirect = {\"/a /b\\r\\nX-A:b\"}", NO_TO("/a /b??X-A:b") },
		{ "redirect = {\"/old/ /new\"}", "redirect: \"/old/ /new\" has a FROM with a slash "
						 "at its end, so that the rest of the "
						 "path follows TO, which has none" },
		{ "redirect = {\"/a /b 200\"}", NO_CODE("/a /b 200") },
		{ "redirect = {\"/a /b 304\"}", NO_CODE("/a /b 304") },
		{ "redirect = {\"/a /b 3010\"}", NO_CODE("/a /b 3010") },
		{ "redirect = {\"/a /b x\"}", NO_CODE("/a /b x") },
		/* each of them is looked at */
		{ "redirect = {\"/a /b\", \"/c d\"}", NO_TO("/c d") },
	};

	ASSERT_REFUSED(state, rows);
	assert_taken(state,
		     "redirect = {\"/old/ /new/ 308\", \"/ https://example.org/\", \"/a  /b\"}");
}

static void error_page__that_is_wrong__is_refused(void **state)
{
#define NO_PAGE(text)                                                                       \
	"error_page: \"" text "\" is not statuses from 400 to 599 and a path (write \"404 " \
	"/404.html\")"
	static const struct row rows[] = {
		{ "error_page = {\"/404.html\"}", NO_PAGE("/404.html") },
		{ "error_page = {\"404 404.html\"}", NO_PAGE("404 404.html") },
		{ "error_page = {\"404/404.html\"}", NO_PAGE("404/404.html") },
		{ "error_page = {\"404 500 /\"}", NO_PAGE("404 500 /") },
		{ "error_page = {\"404 /a/../b\"}", NO_PAGE("404 /a/../b") },
		{ "error_page = {\"399 /a.html\"}", NO_PAGE("399 /a.html") },
		{ "error_page = {\"600 /a.html\"}", NO_PAGE("600 /a.html") },
		{ "error_page = {\"4040 /a.html\"}", NO_PAGE("4040 /a.html") },
		{ "error_page = {\"404 =200 /a.html\"}", NO_PAGE("404 =200 /a.html") },
		{ "error_page = {\"404 https://x/\"}", NO_PAGE("404 https://x/") },
		{ "error_page = {\"404 /a\\nb\"}", NO_PAGE("404 /a?b") },
	};

	ASSERT_REFUSED(state, rows);
	assert_taken(state, "error_page = {\"404 /404.html\", \"500 502  503 504 /50x.html\"}");
}

/* A variable of the shell that is not set serves nothing, rather than the current folder. */
static void root__that_is_empty__is_refused(void **state)
{
	RUN(&said, *state, "-t", "-q", "-l", "127.0.0.1:0=http,root=", "-p", "none");
	assert_string_equal(said.err, "prefork-srv: -l 127.0.0.1:0=http,root=: root: service http "
				      "needs one (write root = /srv/www)\n");
	assert_int_equal(said.code, CODE_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers__that_are_wrong__are_refused),
		cmocka_unit_test(headers__that_are_too_long_together__are_refused),
		cmocka_unit_test(index__that_is_no_name__is_refused),
		cmocka_unit_test(values__that_are_no_header__are_refused),
		cmocka_unit_test(try__that_is_wrong__is_refused),
		cmocka_unit_test(redirect__that_is_wrong__is_refused),
		cmocka_unit_test(error_page__that_is_wrong__is_refused),
		cmocka_unit_test(root__that_is_empty__is_refused),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
