/* SPDX-License-Identifier: MIT */
/* Writes x.conf and runs -t. It must know no option. */
#include "cli/http_option.h"

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

void http_option_assert_refused(void **state, const struct http_option_row *rows, size_t count)
{
	for (size_t i = 0; i < 2 * count; i++) {
		char line[1024];

		check(state, rows[i / 2].option, i % 2 == 1);
		snprintf(line, sizeof(line), "prefork-srv: x.conf:3: %s.%s\n",
			 i % 2 == 1 ? "location" : "listen", rows[i / 2].message);
		assert_string_equal(said.err, line);
		assert_int_equal(said.code, CODE_CONFIG);
	}
}

void http_option_assert_taken(void **state, const char *option)
{
	for (int i = 0; i < 2; i++) {
		check(state, option, i == 1);
		assert_string_equal(said.err, "");
		assert_int_equal(said.code, CODE_OK);
	}
}
