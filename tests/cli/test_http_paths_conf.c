/* SPDX-License-Identifier: MIT */
/* The paths of service http, in try, redirect and error_page: what is refused, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/http_option.h"
#include "unit/folder.h"

static struct said said;

static void try__that_is_wrong__is_refused(void **state)
{
#define NO_PATH(text)   "try: \"" text "\" is not a path (such as /index.html or $uri.html)"
#define NO_STATUS(text) "try: \"" text "\" is no status that can be answered (such as =404)"
#define NO_URI(text)    "try: \"" text "\" has a variable that is not known ($uri is the only one)"
#define NO_ONE(text)                                                                        \
	"try: \"" text "\" is more than one entry (write each in a text of its own: try = " \
	"{$uri.html, /index.html})"
#define NO_FALLBACK                                                                               \
	"try: has no fallback: \"$uri\" is the path under which there is no file (add one, such " \
	"as /index.html or \"=404\")"
	static const struct http_option_row rows[] = {
		{ "try = {\"index.html\"}", NO_PATH("index.html") },
		{ "try = {\"/a/../b\"}", NO_PATH("/a/../b") },
		{ "try = {\"$uri/../b\"}", NO_PATH("$uri/../b") },
		{ "try = {\"/a/$uri\"}", NO_PATH("/a/$uri") },
		{ "try = {\"a$uri\"}", NO_PATH("a$uri") },
		{ "try = {\"$urix\"}", NO_URI("$urix") },
		{ "try = {\"$args\"}", NO_URI("$args") },
		{ "try = {\"/a.php?$args\"}", NO_URI("/a.php?$args") },
		{ "try = {\"/$\"}", NO_URI("/$") },
		{ "try = {\"/a\\nb\"}", NO_PATH("/a?b") },
		{ "try = {\"@app\"}", NO_PATH("@app") },
		{ "try = {\"=404\", /a}",
		  "try: \"=404\" is not the last one (write it behind the paths)" },
		{ "try = {\"=200\"}", NO_STATUS("=200") },
		{ "try = {\"=418\"}", NO_STATUS("=418") },
		{ "try = {\"=0404\"}", NO_STATUS("=0404") },
		{ "try = {\"=404 \"}", NO_STATUS("=404 ") },
		{ "try = {\"=\"}", NO_STATUS("=") },
		{ "try = \"$uri /index.html\"", NO_ONE("$uri /index.html") },
		{ "try = \"/a $uri\"", NO_ONE("/a $uri") },
		{ "try = \"$uri.html =404\"", NO_ONE("$uri.html =404") },
		{ "try = {$uri}", NO_FALLBACK },
		{ "try = $uri", NO_FALLBACK },
		{ "try = {$uri, $uri/}", NO_FALLBACK },
	};

	ASSERT_REFUSED(state, rows);
	http_option_assert_taken(state,
				 "try = {$uri.html, $uri/index.htm, $uri/, \"/a b\", \"=404\"}");
	http_option_assert_taken(state, "try = {/app$uri, /}");
	http_option_assert_taken(state, "try = {$uri, \"=404\"}");
	http_option_assert_taken(state, "try = {}");
}

static void redirect__that_is_wrong__is_refused(void **state)
{
#define NO_TARGET(text)                                                                           \
	"redirect: \"" text "\" has no target (write \"/old/ /new/\" or \"/old/ /new/ 301\", in " \
	"quotes)"
#define NO_FROM(text)                                                            \
	"redirect: \"" text                                                      \
	"\" has a FROM that is not a path (it begins with /, and no name in it " \
	"is empty, \".\" or \"..\")"
#define NO_TO(text) \
	"redirect: \"" text "\" has a TO that is neither a path nor http://... or https://..."
#define NO_BYTE(text)                                                                           \
	"redirect: \"" text "\" has a TO with a byte that an address cannot have (write it as " \
	"%20, %23 ...)"
#define NO_FRAGMENT(text)                                                                         \
	"redirect: \"" text "\" has a TO with a fragment, behind which no rest and no query can " \
	"follow (leave out what begins with #)"
#define NO_VARIABLE(text)                                                                        \
	"redirect: \"" text "\" has a variable, and there are none (a FROM with a slash at its " \
	"end adds the rest of the path to TO, and the query follows always)"
#define NO_CODE(text) "redirect: \"" text "\" has a STATUS that is not 301, 302, 303, 307 or 308"
	static const struct http_option_row rows[] = {
		{ "redirect = {\"/old\"}", NO_TARGET("/old") },
		{ "redirect = /a", NO_TARGET("/a") },
		{ "redirect = {/a, /b}", NO_TARGET("/a") },
		{ "redirect = {\"/a /b 301 x\"}", "redirect: \"/a /b 301 x\" is more than FROM TO "
						  "STATUS (write \"/old/ /new/ 301\")" },
		{ "redirect = {\"a /b\"}", NO_FROM("a /b") },
		{ "redirect = {\"/../a /b\"}", NO_FROM("/../a /b") },
		{ "redirect = {\"//a /b\"}", NO_FROM("//a /b") },
		{ "redirect = {\"/a b\"}", NO_TO("/a b") },
		{ "redirect = {\"/a //b\"}", NO_TO("/a //b") },
		{ "redirect = {\"/a http://\"}", NO_TO("/a http://") },
		{ "redirect = {\"/a https:///x\"}", NO_TO("/a https:///x") },
		{ "redirect = {\"/a javascript:x\"}", NO_TO("/a javascript:x") },
		{ "redirect = {\"/a /b#c\"}", NO_FRAGMENT("/a /b#c") },
		{ "redirect = {\"/a /b\\r\\nX-A:b\"}", NO_BYTE("/a /b??X-A:b") },
		{ "redirect = {\"/ https://x$request_uri\"}",
		  NO_VARIABLE("/ https://x$request_uri") },
		{ "redirect = {\"/a/ /b/$1\"}", "redirect: \"/a/ /b/$1\" has a variable, and there "
						"are none (a FROM with a slash at its end adds "
						"the rest of the path to TO, and the query "
						"follows always)" },
		{ "redirect = {\"/old/ /new\"}",
		  "redirect: \"/old/ /new\" has a FROM with a slash at its end, so that the rest "
		  "of "
		  "the path follows TO, which has none (write \"/old/ /new/\")" },
		{ "redirect = {\"/a /b 200\"}", NO_CODE("/a /b 200") },
		{ "redirect = {\"/a /b 304\"}", NO_CODE("/a /b 304") },
		{ "redirect = {\"/a /b 3010\"}", NO_CODE("/a /b 3010") },
		{ "redirect = {\"/a /b x\"}", NO_CODE("/a /b x") },
		/* each of them is looked at */
		{ "redirect = {\"/a /b\", \"/c d\"}", NO_TO("/c d") },
	};

	ASSERT_REFUSED(state, rows);
	http_option_assert_taken(
		state, "redirect = {\"/old/ /new/ 308\", \"/a  /b\", \"/ https://example.org/\"}");
}

static void redirect__that_is_never_reached__is_refused(void **state)
{
#define NEVER(text, earlier)                                                                 \
	"redirect: \"" text "\" is never reached: \"" earlier "\" stands before it and has " \
	"that path too (put the longer FROM first, or leave one out)"
	static const struct http_option_row rows[] = {
		{ "redirect = {\"/a /b\", \"/a /c\"}", NEVER("/a /c", "/a /b") },
		{ "redirect = {\"/a /b\", \"/a/ /c/\"}", NEVER("/a/ /c/", "/a /b") },
		{ "redirect = {\"/x /b\", \"/a/ /b/\", \"/a/c/d /e\"}",
		  NEVER("/a/c/d /e", "/a/ /b/") },
		{ "redirect = {\"/ https://x/\", \"/a /b\"}", NEVER("/a /b", "/ https://x/") },
	};

	ASSERT_REFUSED(state, rows);
	http_option_assert_taken(state, "redirect = {\"/a/c /d\", \"/a /b\", \"/ab /c\"}");
}

static void redirect__without_end__is_refused(void **state)
{
#define NO_END(text, walk)                                                                         \
	"redirect: \"" text "\" has no end: \"" walk "\" and so on (write a TO that no FROM has; " \
	"a FROM has the paths below it too)"
	static const struct http_option_row rows[] = {
		{ "redirect = {\"/a/b /a/b\"}", NO_END("/a/b /a/b", "/a/b, /a/b, /a/b") },
		{ "redirect = {\"/a/b /a/b/\"}", NO_END("/a/b /a/b/", "/a/b, /a/b/, /a/b/") },
		{ "redirect = {\"/a/b /a/c?d=e\", \"/a/c /a/%62 302\"}",
		  NO_END("/a/b /a/c?d=e", "/a/b, /a/c, /a/b") },
		{ "redirect = {\"/a/ /a/b/\"}", NO_END("/a/ /a/b/", "/a/, /a/b/, /a/b/b/") },
		{ "redirect = {\"/a/b/ /a/c/\", \"/a/c/d/ /a/b/d/\"}",
		  NO_END("/a/c/d/ /a/b/d/", "/a/c/d/, /a/b/d/, /a/c/d/") },
	};

	ASSERT_REFUSED(state, rows);
	/* it ends after some steps, or leads to another server, or to what there is not */
	http_option_assert_taken(state,
				 "redirect = {\"/a/b /a/c\", \"/a/c /a/d/d/d/\", \"/a/d/ /a/\"}");
	http_option_assert_taken(state, "redirect = {\"/a/b http://x/a/b\", \"/a/c /../a/c\"}");
}

/* Browsers follow 20. */
static void redirect__that_ends_too_late__is_refused(void **state)
{
	static char option[2000];
	const struct http_option_row rows[] = {
		{ option,
		  "redirect: \"/a/p00 /a/p01\" leads through more than 20 redirects, and "
		  "clients give up: \"/a/p00, /a/p01, /a/p02\" and so on (write the last TO in "
		  "place of the first)" },
	};
	size_t used = 0;

	for (unsigned count = 19; count <= 24; count++) {
		used = (size_t)snprintf(option, sizeof(option), "redirect = {");
		for (unsigned i = 0; i <= count; i++)
			used += (size_t)snprintf(option + used, sizeof(option) - used,
						 "%s\"/a/p%02u /a/p%02u\"", i > 0 ? ", " : "", i,
						 i + 1);
		snprintf(option + used, sizeof(option) - used, "}");
		if (count + 1 <= 20)
			http_option_assert_taken(state, option);
		else
			ASSERT_REFUSED(state, rows);
	}
}

/* The path decides on the place at each step. */
static void redirect__through_locations_without_end__is_refused(void **state)
{
	folder_write(*state, "x.conf",
		     "listen \"127.0.0.1:0\" { service = http root = /tmp\n"
		     "redirect = {\"/c /a\"}\nlocation /a {\nredirect = {\"/a /b\"} }\n"
		     "location /b {\nredirect = {\"/b /c\"} } }\nworker_connections = 16\n");
	RUN(&said, *state, "-t", "-q", "-c", "x.conf", "-p", "none");
	assert_string_equal(said.err,
			    "prefork-srv: x.conf:2: listen." NO_END("/c /a", "/c, /a, /b") "\n");
	assert_int_equal(said.code, CODE_CONFIG);
	folder_write(*state, "x.conf",
		     "listen \"127.0.0.1:0\" { service = http root = /tmp\n"
		     "redirect = {\"/a /b\"}\nlocation /b {\nredirect = {} } }\n"
		     "worker_connections = 16\n");
	RUN(&said, *state, "-t", "-q", "-c", "x.conf", "-p", "none");
	assert_string_equal(said.err, "");
}

static void error_page__that_is_wrong__is_refused(void **state)
{
#define NO_PAGE(text)                                                                        \
	"error_page: \"" text "\" has no page (write statuses and a path, in quotes: \"404 " \
	"/404.html\")"
#define NO_PAGE_PATH(text)                                                                      \
	"error_page: \"" text "\" has a page that is not the path of a file below root (write " \
	"\"404 /404.html\")"
#define NO_RANGE(text)                                                                     \
	"error_page: \"" text "\" has a status that is none from 400 to 599 (write \"404 " \
	"/404.html\")"
	static const struct http_option_row rows[] = {
		{ "error_page = {404, /x}", NO_PAGE("404") },
		{ "error_page = \"404 500\"", NO_PAGE("404 500") },
		{ "error_page = {\"/404.html\"}",
		  "error_page: \"/404.html\" has no status (write \"404 /404.html\")" },
		{ "error_page = {\"404 404.html\"}", NO_PAGE_PATH("404 404.html") },
		{ "error_page = {\"404/404.html\"}", NO_PAGE_PATH("404/404.html") },
		{ "error_page = {\"404 500 /\"}", NO_PAGE_PATH("404 500 /") },
		{ "error_page = {\"404 /a/../b\"}", NO_PAGE_PATH("404 /a/../b") },
		{ "error_page = {\"399 /a.html\"}", NO_RANGE("399 /a.html") },
		{ "error_page = {\"404 600 /a.html\"}", NO_RANGE("404 600 /a.html") },
		{ "error_page = {\"4040 /a.html\"}", NO_RANGE("4040 /a.html") },
		{ "error_page = {\"404 499 /x\"}",
		  "error_page: \"404 499 /x\": 499 is no status that is answered (leave it out)" },
		{ "error_page = {\"404 =200 /a.html\"}",
		  "error_page: \"404 =200 /a.html\" has another status for the answer, which keeps "
		  "its own (leave it out: \"404 /404.html\")" },
		{ "error_page = {\"404 https://x/\"}", NO_PAGE_PATH("404 https://x/") },
		{ "error_page = {\"404 /a\\nb\"}", NO_PAGE_PATH("404 /a?b") },
		{ "error_page = {\"404 /a\", \"500 404 /b\"}",
		  "error_page: \"500 404 /b\": 404 has a page already, in \"404 /a\" (leave one "
		  "out)" },
		{ "error_page = {\"404 500 404 /a\"}",
		  "error_page: \"404 500 404 /a\": 404 has a page already, in \"404 500 404 /a\" "
		  "(leave one out)" },
	};

	ASSERT_REFUSED(state, rows);
	http_option_assert_taken(
		state, "error_page = {\"404 /404.html\", \"500 502  503 504 /50x.html\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(try__that_is_wrong__is_refused),
		cmocka_unit_test(redirect__that_is_wrong__is_refused),
		cmocka_unit_test(redirect__that_is_never_reached__is_refused),
		cmocka_unit_test(redirect__without_end__is_refused),
		cmocka_unit_test(redirect__that_ends_too_late__is_refused),
		cmocka_unit_test(redirect__through_locations_without_end__is_refused),
		cmocka_unit_test(error_page__that_is_wrong__is_refused),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
