/* SPDX-License-Identifier: MIT */
/* Locations in a listen: what they may have, what they inherit, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf.h"
#include "config/conf_load.h"
#include "config/conf_location.h"
#include "unit/configured.h"
#include "unit/folder.h"

#define LISTEN "listen \"127.0.0.1:8080\" { service = http root = /srv\n"

static void location__has_its_own_options_and_the_listens(void **state)
{
	struct conf *conf = configured_load_good(
		*state, "listen \"127.0.0.1:8080\" {\n location \"/img/\" {\n  etag = no\n"
			"  headers = {\"A: b\", \"C: d\"}\n }\n location \"/x\" { index = {} }\n"
			" service = http\n headers = {\"E: f\"} index = {\"i\"} root = /srv\n}\n"
			"listen \"127.0.0.1:8081\" { service = ack }\n");
	const struct listen_conf *listen = &conf->listeners[0];
	const struct listen_conf *img = &listen->locations[0], *x = &listen->locations[1];

	assert_int_equal(conf->listener_count, 2);
	assert_int_equal(listen->location_count, 2);
	assert_int_equal(conf->listeners[1].location_count, 0);
	assert_string_equal(img->address, "/img/");
	assert_string_equal(img->origin, "x.conf:2");
	assert_false(img->etag);
	assert_true(listen->etag && x->etag);
	assert_int_equal(img->headers.count, 2);
	assert_string_equal(img->headers.texts[1], "C: d");
	assert_string_equal(x->headers.texts[0], "E: f");
	assert_string_equal(img->index.texts[0], "i");
	assert_int_equal(x->index.count, 0);
	assert_string_equal(img->root, "/srv");
	assert_string_equal(conf_listen_place(img, "etag"), "x.conf:3");
	assert_string_equal(conf_listen_place(img, "root"), "x.conf:2");
	conf_free(conf);
}

static void location__inherits_what_the_command_line_sets(void **state)
{
	const char *override = "listen.cache_control=no-store";
	struct conf_source source = {
		.file = "x.conf", .directory = *state, .overrides = &override, .override_count = 1
	};
	struct conf *conf;
	struct err err;

	folder_write(*state, "x.conf",
		     LISTEN
		     "location \"/a\" { etag = no } location \"/b\" { cache_control = x } }");
	conf = conf_load(&source, &err);
	assert_non_null(conf);
	assert_string_equal(conf->listeners[0].locations[0].cache_control, "no-store");
	assert_string_equal(conf->listeners[0].locations[1].cache_control, "x");
	conf_free(conf);
}

static void print__of_locations__loads_back_the_same(void **state)
{
	struct conf *conf = configured_load_good(
		*state,
		LISTEN "location \"/a \\\"b\" { etag = no index = {} headers = {\"A: b\"} }\n"
		       "location \"/b/\" { } }");
	char *first = configured_print(conf), *second;

	conf_free(conf);
	assert_non_null(strstr(first, "\n\tlocation \"/a \\\"b\" {\n\t\tindex = {}\n\t\tetag = no\n"
				      "\t\theaders = {\"A: b\"}\n\t}\n"));
	assert_non_null(strstr(first, "\n\tlocation \"/b/\" {\n\t}\n}\n"));
	conf = configured_load_good(*state, first);
	assert_int_equal(conf->listeners[0].location_count, 2);
	second = configured_print(conf);
	conf_free(conf);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void location__that_is_wrong__is_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
#define NO_PATH "is not a path (it begins with /, and no name in it is empty, \".\" or \"..\")"
		{ LISTEN "location \"img\" { etag = no } }",
		  "x.conf:2: location \"img\": " NO_PATH },
		{ LISTEN "location \"\" { } }", "x.conf:2: location \"\": " NO_PATH },
		{ LISTEN "location \"/a//b\" { } }", "x.conf:2: location \"/a//b\": " NO_PATH },
		{ LISTEN "location \"/a/../b\" { } }", "x.conf:2: location \"/a/../b\": " NO_PATH },
		{ LISTEN "location \"/.\" { } }", "x.conf:2: location \"/.\": " NO_PATH },
		{ LISTEN "location \"/a\\nb\" { } }", "x.conf:2: location \"/a?b\": " NO_PATH },
		{ LISTEN "location { } }",
		  "x.conf:2: location: the prefix is missing (location \"/img/\" { ... })" },
		{ LISTEN "location /a { }\nlocation /a/ { etag = no } }",
		  "x.conf:3: location \"/a/\": the prefix is given twice (first: x.conf:2)" },
		{ LISTEN "location /a { }\nlocation /b { }\nlocation /a { etag = no } }",
		  "x.conf:4: \"/a\": the title is given twice" },
		{ LISTEN "location /a { }\nlocation /b { }\nlocation /a { } }",
		  "x.conf:4: \"/a\": the title is given twice" },
		{ "listen 8080 {\nlocation /a { }\nservice = ack }",
		  "x.conf:2: location \"/a\": belongs to service http, not ack" },
		{ "location /a { }",
		  "x.conf:1: location: does not belong here (it belongs to section "
		  "listen)" },
		{ LISTEN "location /a { location /b { } } }",
		  "x.conf:2: location: does not belong here (it belongs to section listen)" },
		{ LISTEN "location /a { backlog = 3 } }",
		  "x.conf:2: backlog: does not belong here (it belongs to section listen)" },
		{ LISTEN "location /a { service = http } }",
		  "x.conf:2: service: does not belong here (it belongs to section listen)" },
		{ LISTEN "location /a { cache_size = 2m } }",
		  "x.conf:2: cache_size: does not belong here (it belongs to section listen)" },
		{ LISTEN "location /a { framing = line } }",
		  "x.conf:2: framing: does not belong here (it belongs to section listen)" },
		{ LISTEN "location /a { etga = no } }",
		  "x.conf:2: etga: unknown option (did you mean etag?)" },
		{ LISTEN "locatoin /a { } }",
		  "x.conf:2: locatoin: unknown option (did you mean location?)" },
		{ LISTEN "location /a { alias = /srv } }",
		  "x.conf:2: alias: unknown option (write root, below which the whole path is "
		  "looked "
		  "up)" },
		{ LISTEN "location /a {\n etag = no\n etag = yes } }",
		  "x.conf:4: location.etag: is given twice (first: x.conf:3)" },
		{ LISTEN "etag = no\nlocation /a { etag = no }\netag = yes }",
		  "x.conf:4: listen.etag: is given twice (first: x.conf:2)" },
		{ LISTEN "location /a { etag = maybe } }",
		  "x.conf:2: location.etag: \"maybe\" is not a switch (yes or no)" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err;

		assert_null(configured_load(*state, rows[i].text, &err));
		assert_string_equal(err.text, rows[i].message);
		assert_int_equal(err.code, CODE_CONFIG);
	}
}

static void prefix__has_a_most(void **state)
{
	char text[2 * CONF_LOCATION_MOST], title[CONF_LOCATION_MOST + 2];
	struct err err;

	memset(title, 'a', sizeof(title));
	title[0] = '/';
	title[CONF_LOCATION_MOST] = '\0';
	snprintf(text, sizeof(text), LISTEN "location \"%s\" { } }", title);
	conf_free(configured_load_good(*state, text));
	snprintf(text, sizeof(text), LISTEN "location \"%sa\" { } }", title);
	assert_null(configured_load(*state, text, &err));
	assert_non_null(strstr(err.text, ": the prefix has more than 1000 bytes"));
}

/* A reload that changes a location is never refused, and open connections can move. */
static void options__of_a_location__are_applied_by_a_reload(void **state)
{
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < option_count; i++)
		if (option_is_of(SECTION_location, &options[i])) {
			assert_int_equal(options[i].reload, OPTION_LIVE);
			assert_string_equal(options[i].service, "http");
			count++;
		}
	assert_true(count > 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(location__has_its_own_options_and_the_listens),
		cmocka_unit_test(location__inherits_what_the_command_line_sets),
		cmocka_unit_test(print__of_locations__loads_back_the_same),
		cmocka_unit_test(location__that_is_wrong__is_refused),
		cmocka_unit_test(prefix__has_a_most),
		cmocka_unit_test(options__of_a_location__are_applied_by_a_reload),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
