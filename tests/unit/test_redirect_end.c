/* SPDX-License-Identifier: MIT */
/* Tests of services/files/redirect_end: where a client that follows redirects ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/files/redirect_end.h"
#include "unit/configured.h"
#include "unit/folder.h"

static const char no_end[] = "has no end: ", too_many[] = "leads through more than 20 redirects";

/* One redirect for each name. */
#define SHRINKING "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"

/* The lines of a listen; message: of the first entry that is refused in it, NULL: none. */
static void assert_end(const char *folder, const char *lines, const char *message)
{
	static char text[100000];
	struct conf *conf;
	struct err err = { .text = "" };
	const struct listen_conf *listen;
	bool is_good;

	snprintf(text, sizeof(text), "listen \"127.0.0.1:0\" { service = http\n%s }\n", lines);
	conf = configured_load_good(folder, text);
	listen = &conf->listeners[0];
	is_good = redirect_end_check(listen, listen, &err);
	for (size_t i = 0; is_good && i < listen->location_count; i++)
		is_good = redirect_end_check(listen, &listen->locations[i], &err);
	if (is_good != (message == NULL) || (message && !strstr(err.text, message)))
		fail_msg("%s: %s", lines, err.text);
	conf_free(conf);
}

static void redirect__is_followed_to_its_end(void **state)
{
	static char names[1901], long_names[2100];
	const struct {
		const char *lines, *message;
	} rows[] = {
		{ "", NULL },
		{ "redirect = {\"/a /b\"}", NULL },
		{ "redirect = {\"/a /b\", \"/b http://x/a\"}", NULL },
		{ "redirect = {\"/a /../a\"}", NULL },
		{ "redirect = {\"/a/ /\"}", NULL },
		{ "redirect = {\"/a /a\"}", no_end },
		{ "redirect = {\"/a /%61?b=c\"}", no_end },
		{ "redirect = {\"/a //b\", \"/b /a\"}", no_end },
		{ "redirect = {\"/ /\"}", no_end },
		{ "redirect = {\"/ /x/\"}", no_end },
		{ "redirect = {\"/c /a\", \"/a /b\", \"/b /a\"}",
		  "\"/c /a\" has no end: \"/c, /a, /b\" and so on" },
		/* the whole names of a path count */
		{ "redirect = {\"/a /ab\"}", NULL },
		/* an entry that is taken many times: the walk ends, or comes to a circle */
		{ "redirect = {\"/x " SHRINKING "/z\", \"/a/ /\"}", too_many },
		{ "redirect = {\"/x " SHRINKING "/b\", \"/a/ /\", \"/b /c\", \"/c /b\"}", no_end },
		/* a path that grows until no server takes it */
		{ long_names, no_end },
		/* the longest location that has the path, whatever the order */
		{ "redirect = {\"/a /b/c/d\"}\n location /b/c { redirect = {} }\n"
		  " location /b { redirect = {\"/b /a\"} }",
		  NULL },
		{ "redirect = {\"/a /b/c/d\"}\n location /b { redirect = {} }\n"
		  " location /b/c { redirect = {\"/b/c/ /a/\"} }",
		  no_end },
		{ "redirect = {\"/a /b\"}\n location / { redirect = {} }\n"
		  " location /b { redirect = {\"/b /a\"} }",
		  NULL },
	};

	memset(names, 'x', sizeof(names) - 1);
	snprintf(long_names, sizeof(long_names), "redirect = {\"/a/ /a/%s/\"}", names);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_end(*state, rows[i].lines, rows[i].message);
}

/* p0 leads to p1, and so on; the last one to `last`. */
static const char *write_chain(unsigned count, const char *last)
{
	static char lines[90000];
	size_t used = (size_t)snprintf(lines, sizeof(lines), "redirect = {");

	for (unsigned i = 0; i + 1 < count; i++)
		used += (size_t)snprintf(lines + used, sizeof(lines) - used, "\"/p%u /p%u\", ", i,
					 i + 1);
	snprintf(lines + used, sizeof(lines) - used, "\"/p%u %s\"}", count - 1, last);
	return lines;
}

static void chain__that_ends__is_not_called_endless(void **state)
{
	static const struct {
		unsigned count;
		const char *last, *message;
	} rows[] = {
		{ 20, "/end", NULL },          { 21, "/end", too_many },   { 25, "/end", too_many },
		{ 21, "http://x/", too_many }, { 3000, "/end", too_many }, { 25, "/p0", no_end },
		{ 25, "/p24", no_end },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_end(*state, write_chain(rows[i].count, rows[i].last), rows[i].message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redirect__is_followed_to_its_end),
		cmocka_unit_test(chain__that_ends__is_not_called_endless),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
