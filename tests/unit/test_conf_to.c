/* SPDX-License-Identifier: MIT */
/* The upstreams that the option `to` of listeners makes: their titles, and what -T says of them. */
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
#include "config/conf_titled.h"
#include "config/conf_upstream.h"
#include "unit/configured.h"
#include "unit/folder.h"

/* A reload that changes the list finds the servers of before, with all that is known of them. */
static void upstream__of_to__has_the_address_of_its_listener_as_title(void **state)
{
	struct conf *conf = configured_load_good(
		*state, "listen \"127.0.0.1:0\" { service = proxy  to = {\"a:1\", \"b:1\"} }\n"
			"listen \"127.0.0.1:0\" { service = proxy  to = {\"a:1\", \"b:1\"} }\n"
			"listen 4 { service = ack }\n"
			"listen \"*:3\" { service = proxy  to = {\"b:1\", \"a:1\"} }\n");
	static const struct {
		size_t listener;
		const char *title;
	} rows[] = { { 0, "127.0.0.1:0" }, { 1, "127.0.0.1:0#2" }, { 3, "*:3" } };

	assert_int_equal(conf->upstream_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(conf->upstreams[i].title, rows[i].title);
		assert_ptr_equal(conf_upstream_of(conf, &conf->listeners[rows[i].listener]),
				 &conf->upstreams[i]);
	}
	assert_null(conf_upstream_of(conf, &conf->listeners[2]));
	conf_free(conf);
}

/* The title has no room for the whole address. */
static void listeners__with_long_addresses_that_begin_alike__have_titles_of_their_own(void **state)
{
#define LONG "unix:/run/a/folder/with/a/rather/long/name/and/another/one/in/it/"
	static const char text[] = "listen \"" LONG "1\" { service = proxy  to = {\"a:1\"} }\n"
				   "listen \"" LONG "2\" { service = proxy  to = {\"a:1\"} }\n";
	struct conf *conf = configured_load_good(*state, text);

	assert_int_equal(conf->upstream_count, 2);
	assert_string_not_equal(conf->upstreams[0].title, conf->upstreams[1].title);
	assert_int_equal(strlen(conf->upstreams[0].title), CONF_TITLE_MOST);
	conf_free(conf);
}

static struct conf *load_options(const char **listeners, size_t listener_count,
				 const char **overrides, size_t override_count)
{
	struct conf_source source = { .file = "/dev/null",
				      .directory = "/here",
				      .listeners = listeners,
				      .listener_count = listener_count,
				      .overrides = overrides,
				      .override_count = override_count };
	struct err err;
	struct conf *conf = conf_load(&source, &err);

	if (!conf)
		fail_msg("%s", err.text);
	return conf;
}

/* What -o changes of it cannot be said by `to`: a section says it, under the same title. */
static void conf_print__of_an_upstream_of_to__has_the_options_given_to_it(void **state)
{
	static const struct {
		const char *option, *wanted;
	} rows[] = {
		{ "upstream.balance=hash", "balance = hash" },
		{ "upstream.idle_timeout=3s", "idle_timeout = 3s" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *listeners[] = { "1=proxy,to=a:1,to=b:1", "2=ack" };
		const char *overrides[] = { rows[i].option };
		struct conf *conf = load_options(listeners, 2, overrides, 1);
		char *first = configured_print(conf), *second;

		conf_free(conf);
		assert_non_null(strstr(first, "upstream \"1\" {"));
		assert_non_null(strstr(first, rows[i].wanted));
		conf = configured_load_good(*state, first);
		assert_string_equal(conf_upstream_of(conf, &conf->listeners[0])->title, "1");
		second = configured_print(conf);
		assert_string_equal(strchr(first, '\n'), strchr(second, '\n'));
		conf_free(conf);
		free(first);
		free(second);
	}
}

static void option__to__makes_the_upstream(void **state)
{
	const char *listeners[] = { "1=proxy,to=a:1", "2=proxy" };
	const char *overrides[] = { "upstream.retries=off", "listen.to=c:1,d:1" };
	struct conf *conf = load_options(listeners, 2, overrides, 2);

	(void)state;
	assert_int_equal(conf->upstream_count, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(conf->upstreams[i].server.count, 2);
		assert_string_equal(conf->upstreams[i].server.texts[0], "c:1");
		assert_int_equal(conf->upstreams[i].retries, 0);
	}
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upstream__of_to__has_the_address_of_its_listener_as_title),
		cmocka_unit_test(
			listeners__with_long_addresses_that_begin_alike__have_titles_of_their_own),
		cmocka_unit_test(conf_print__of_an_upstream_of_to__has_the_options_given_to_it),
		cmocka_unit_test(option__to__makes_the_upstream),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
