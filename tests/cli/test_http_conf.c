/* SPDX-License-Identifier: MIT */
/* The options of service http that are no paths: what is refused, and with what words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/http_option.h"
#include "unit/folder.h"

static struct said said;

static void headers__that_are_wrong__are_refused(void **state)
{
#define WRITE_HEADER " (write \"X-Frame-Options: DENY\")"
#define IN_ONE       " has control characters (write each header in a text of its own)"
	static const struct http_option_row rows[] = {
		{ "headers = {\"X-A b\"}",
		  "headers: \"X-A b\" has no colon behind its name" WRITE_HEADER },
		{ "headers = {a}", "headers: \"a\" has no colon behind its name" WRITE_HEADER },
		{ "headers = {\"X-A:b\"}",
		  "headers: \"X-A:b\" has no blank behind its colon" WRITE_HEADER },
		{ "headers = {\"X A: b\"}",
		  "headers: \"X A: b\" has a name that is none" WRITE_HEADER },
		{ "headers = {\"X-A : b\"}",
		  "headers: \"X-A : b\" has a name that is none" WRITE_HEADER },
		{ "headers = {\": abc\"}",
		  "headers: \": abc\" has a name that is none" WRITE_HEADER },
		{ "headers = {\"X-A: \"}", "headers: \"X-A: \" has no value" WRITE_HEADER },
		{ "headers = {\"X-A:\"}", "headers: \"X-A:\" has no value" WRITE_HEADER },
		{ "headers = {\"X-A: b\", \"X-B: a\\r\\nX-C: c\"}",
		  "headers: \"X-B: a??X-C: c\"" IN_ONE },
		{ "headers = {\"X-A: \\x7f\"}", "headers: \"X-A: ?\"" IN_ONE },
		{ "headers = {\"Content-Length: 3\"}",
		  "headers: \"Content-Length: 3\" is written by the server itself (leave it out)" },
		{ "headers = {\"content-type: a/b\"}",
		  "headers: \"content-type: a/b\" is written by the server itself (write types or "
		  "default_type)" },
		{ "headers = {\"X-A: b\", \"DATE: x\"}",
		  "headers: \"DATE: x\" is written by the server itself (leave it out)" },
		{ "headers = {\"Location: /\"}",
		  "headers: \"Location: /\" is written by the server itself (write redirect)" },
		{ "cache_control = no-cache headers = {\"Cache-Control: no-store\"}",
		  "headers: \"Cache-Control: no-store\" is written by the server itself (it has "
		  "cache_control; leave one out)" },
	};

	ASSERT_REFUSED(state, rows);
	http_option_assert_taken(state, "headers = {\"X-Frame-Options: DENY\", \"A: \xc3\xa4\"}");
	http_option_assert_taken(state, "headers = {\"Cache-Control: no-store\"}");
}

/* Together they must fit the buffer that has them. */
static void headers__that_are_too_long_together__are_refused(void **state)
{
	static char option[4200];
	static const struct http_option_row rows[] = {
		{ option, "headers: all together have more than 4095 bytes" },
	};
	char value[3001];

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	snprintf(option, sizeof(option), "headers = {\"A: %s\", \"B: %.1085s\"}", value, value);
	http_option_assert_taken(state, option);
	snprintf(option, sizeof(option), "headers = {\"A: %s\", \"B: %.1086s\"}", value, value);
	ASSERT_REFUSED(state, rows);
}

static void index__that_is_no_name__is_refused(void **state)
{
#define NO_INDEX(text)                                                                       \
	"index: \"" text "\" is not the name of a file in the folder (write a name such as " \
	"index.html)"
	static const struct http_option_row rows[] = {
		{ "index = {\"a/b\"}", NO_INDEX("a/b") },
		{ "index = {\"/a\"}", NO_INDEX("/a") },
		{ "index = {index.html, \"..\"}", NO_INDEX("..") },
		{ "index = {\".a\"}", NO_INDEX(".a") },
	};

	ASSERT_REFUSED(state, rows);
	http_option_assert_taken(state, "index = {}");
	http_option_assert_taken(state, "index = {\"a b\", \"index.htm\"}");
}

static void cache_control__that_is_wrong__is_refused(void **state)
{
#define NO_DIRECTIVES(text)                                                                      \
	"cache_control: \"" text "\" is not a list of directives, with times in seconds (write " \
	"no-cache, or \"public, max-age=3600\")"
	static const struct http_option_row rows[] = {
		{ "cache_control = \"a\\nb\"", NO_DIRECTIVES("a?b") },
		{ "cache_control = \"no-cache, a\\x7f\"", NO_DIRECTIVES("no-cache, a?") },
		{ "cache_control = 30d", NO_DIRECTIVES("30d") },
		{ "cache_control = \"max-age=1h\"", NO_DIRECTIVES("max-age=1h") },
		{ "cache_control = \"max-age\"", NO_DIRECTIVES("max-age") },
		{ "cache_control = \"public, s-maxage=\"", NO_DIRECTIVES("public, s-maxage=") },
		{ "cache_control = \"max-age 3600\"", NO_DIRECTIVES("max-age 3600") },
		{ "cache_control = \",\"", NO_DIRECTIVES(",") },
		{ "cache_control = \"private=\\\"x\\\"y\\\"\"", NO_DIRECTIVES("private=\"x\"y\"") },
		{ "cache_control = \"max-age: 3600\"", NO_DIRECTIVES("max-age: 3600") },
	};

	ASSERT_REFUSED(state, rows);
	http_option_assert_taken(state, "cache_control = \"\"");
	http_option_assert_taken(state, "cache_control = \"public, max-age=3600 , immutable\"");
	http_option_assert_taken(state, "cache_control = \"no-cache=\\\"a, b\\\", x=y\"");
}

static void default_type__that_is_wrong__is_refused(void **state)
{
#define NO_TYPE(text)                                                                      \
	"default_type: \"" text "\" is not a media type (write one such as text/plain or " \
	"\"text/plain; charset=utf-8\")"
	static const struct http_option_row rows[] = {
		{ "default_type = \"a/b\\rc\"", NO_TYPE("a/b?c") },
		{ "default_type = \"a/b; c=\\\"\\n\\\"\"", NO_TYPE("a/b; c=\"?\"") },
		{ "default_type = x", NO_TYPE("x") },
		{ "default_type = html", NO_TYPE("html") },
		{ "default_type = \"text/\"", NO_TYPE("text/") },
		{ "default_type = \"/html\"", NO_TYPE("/html") },
		{ "default_type = \"text/html html\"", NO_TYPE("text/html html") },
		{ "default_type = \"a/b ;;; ;\"", NO_TYPE("a/b ;;; ;") },
		{ "default_type = \"a/b; x=\\\"a\\\"b\\\"\"", NO_TYPE("a/b; x=\"a\"b\"") },
		{ "default_type = \"text/html; utf-8\"", NO_TYPE("text/html; utf-8") },
	};

	ASSERT_REFUSED(state, rows);
	http_option_assert_taken(state, "default_type = text/plain");
	http_option_assert_taken(state,
				 "default_type = \"text/plain ; charset=utf-8; a=\\\"b;c\\\"\"");
}

/* The file of types with this text. */
static void write_types(void **state, const char *text, char *option, size_t size)
{
	folder_write(*state, "x.types", text);
	snprintf(option, size, "types = \"%s/x.types\"", (const char *)*state);
}

static void types__that_are_wrong__are_refused(void **state)
{
	static const char *const texts[][2] = {
		{ "types {\n text/html html;\n}\n", "1: \"types\" is not a type" },
		{ "# a\ntext/html html htm;\n", "2: \"htm;\" is not an extension" },
		{ "text/css css\n\ntext html", "3: \"text\" is not a type" },
		{ "text/a a\ntext/b b text/c c\n", "2: \"text/c\" is not an extension" },
		{ "text/a a\ntext/b \x01\n", "2: \"?\" is not an extension" },
	};
	char option[1024], message[2048];
	const struct http_option_row rows[] = { { option, message } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		write_types(state, texts[i][0], option, sizeof(option));
		snprintf(message, sizeof(message),
			 "types: %s/x.types:%s (a line is a type and its extensions, such as "
			 "\"text/html html htm\")",
			 (const char *)*state, texts[i][1]);
		ASSERT_REFUSED(state, rows);
	}
	write_types(state, "# a\ntext/a\ntext/b b c.d # e;\r\n\n", option, sizeof(option));
	http_option_assert_taken(state, option);
	http_option_assert_taken(state, "types = none");
	if (access("/etc/mime.types", R_OK) == 0)
		http_option_assert_taken(state, "types = /etc/mime.types");
}

static void types__that_are_no_file__are_refused(void **state)
{
#define NO_FILE(text)                                                                             \
	"types: \"" text "\" is no file (name one with lines such as \"text/html html htm\", or " \
	"write none)"
#define NO_TYPES(text) \
	"types: \"" text "\" is not an absolute path (a path that begins with /, none or empty)"
	static const struct http_option_row rows[] = {
		{ "types = \"/none/a\"", NO_FILE("/none/a") },
		{ "types = \"/dev/null/a\"", NO_FILE("/dev/null/a") },
		{ "types = \"text/html html htm;\"", NO_TYPES("text/html html htm;") },
		{ "types = html", NO_TYPES("html") },
	};

	ASSERT_REFUSED(state, rows);
}

static void names__of_other_servers__have_hints(void **state)
{
	static const struct http_option_row rows[] = {
		{ "gzip_static", "write precompressed = yes in a listen of service http" },
		{ "server_name", "a listen answers for every name: write a listen for each site" },
		{ "auth_basic", "only service status asks for a password: write status_user there, "
				"or allow = {ADDRESS, ...} here" },
		{ "open_file_cache", "write cache_size = SIZE, or off" },
		{ "alias", "write root, below which the whole path is looked up" },
		{ "try_files", "write try = {$uri.html, /index.html}" },
		{ "return", "write redirect = {\"FROM TO STATUS\"}" },
		{ "rewrite", "write redirect = {\"FROM TO STATUS\"}" },
		{ "add_header", "write headers = {\"NAME: VALUE\", ...}" },
		{ "expires", "write cache_control in a listen of service http" },
		{ "client_max_body_size",
		  "write max_message with service ack; service http takes bodies of up to 64k" },
		{ "sendfile", "not needed: files are sent by sendfile(2)" },
		{ "limit_rate_after", "limit_rate holds from the first byte" },
		{ "client_header_timeout", "write header_timeout" },
		{ "large_client_header_buffers", "write max_header" },
		{ "proxy_pass", "write service = proxy and to = {ADDRESS, ...} in a listen" },
		{ "DirectoryIndex", "write index in a listen of service http" },
		{ "DocumentRoot", "write root in a listen of service http" },
		{ "ssl_certificate", "write certificate = {FILE} in a section tls" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[256], line[512];

		snprintf(text, sizeof(text), "listen 8080 {\nservice = http\n%s = x }\n",
			 rows[i].option);
		folder_write(*state, "x.conf", text);
		RUN(&said, *state, "-t", "-c", "x.conf");
		snprintf(line, sizeof(line), "prefork-srv: x.conf:3: %s: unknown option (%s)\n",
			 rows[i].option, rows[i].message);
		assert_string_equal(said.err, line);
		assert_int_equal(said.code, CODE_CONFIG);
	}
}

/* A variable of the shell that is not set serves nothing, rather than the current folder. */
static void root__that_is_empty__is_refused(void **state)
{
	RUN(&said, *state, "-t", "-q", "-l", "127.0.0.1:0=http,root=", "-p", "none");
	assert_string_equal(said.err,
			    "prefork-srv: -l 127.0.0.1:0=http,root=: listen.root: service http "
			    "needs one (write root = /srv/www)\n");
	assert_int_equal(said.code, CODE_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers__that_are_wrong__are_refused),
		cmocka_unit_test(headers__that_are_too_long_together__are_refused),
		cmocka_unit_test(index__that_is_no_name__is_refused),
		cmocka_unit_test(cache_control__that_is_wrong__is_refused),
		cmocka_unit_test(default_type__that_is_wrong__is_refused),
		cmocka_unit_test(types__that_are_wrong__are_refused),
		cmocka_unit_test(types__that_are_no_file__are_refused),
		cmocka_unit_test(names__of_other_servers__have_hints),
		cmocka_unit_test(root__that_is_empty__is_refused),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
