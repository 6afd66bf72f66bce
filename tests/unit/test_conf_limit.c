/* SPDX-License-Identifier: MIT */
/* Tests of config/conf_limit: limits that contradict each other, and the places that are named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf.h"
#include "config/conf_limit.h"
#include "config/conf_load.h"
#include "unit/configured.h"
#include "unit/folder.h"

static void limits__that_contradict_each_other__are_refused_with_both_places(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "listen 1 { service = ack\n rate_burst = 5 }\n",
		  "x.conf:2: listen.rate_burst: has no effect without rate, which the listen at "
		  "x.conf:1 does not have (set it, or leave rate_burst out)" },
		{ "listen 1 { service = ack\n rate = 9\n rate_per_source_burst = 5 }\n",
		  "x.conf:3: listen.rate_per_source_burst: has no effect without rate_per_source, "
		  "which the listen at x.conf:1 does not have (set it, or leave "
		  "rate_per_source_burst "
		  "out)" },
		{ "listen 1 { service = ack\n rate = 9\n source_prefix6 = 48 }\n",
		  "x.conf:3: listen.source_prefix6: has no effect without max_per_source or "
		  "rate_per_source, which the listen at x.conf:1 does not have (set it, or leave "
		  "source_prefix6 out)" },
		{ "listen 1 { service = ack\n on_limit = reset }\n",
		  "x.conf:2: listen.on_limit: has no effect without a limit (max_connections, "
		  "max_per_source, rate, rate_per_source), which the listen at x.conf:1 does not "
		  "have "
		  "(set it, or leave on_limit out)" },
		{ "listen 1 { service = ack\n max_connections = 10\n max_per_source = 11 }\n",
		  "x.conf:3: listen.max_per_source: 11 for one source is more than max_connections "
		  "= 10 allows for all of them (x.conf:2)" },
		{ "listen 1 { service = ack\n rate_per_source = 11\n rate = 10 }\n",
		  "x.conf:2: listen.rate_per_source: 11 for one source is more than rate = 10 "
		  "allows for all of them (x.conf:3)" },
		{ "listen \"unix:/x\" { service = ack\n max_per_source = 11 }\n",
		  "x.conf:2: listen.max_per_source: clients of a unix socket have no address, so "
		  "no source (x.conf:1: listen \"unix:/x\" without accept_proxy; max_connections "
		  "and rate limit all of them together)" },
		{ "listen \"unix:/x\" { service = ack\n rate_per_source = 1 }\n",
		  "x.conf:2: listen.rate_per_source: clients of a unix socket have no address, so "
		  "no source (x.conf:1: listen \"unix:/x\" without accept_proxy; max_connections "
		  "and rate limit all of them together)" },
		{ "program app { command = {a} }\nlisten 1 {\n service = program  program = app\n "
		  "max_connections = 1 }\n",
		  "x.conf:4: listen.max_connections: has no effect, because the copies of a "
		  "program "
		  "accept by themselves (x.conf:3: service = program; leave it out)" },
		{ "program app { command = {a} }\nlisten 1 {\n service = program  program = app\n "
		  "max_lifetime = 1h }\n",
		  "x.conf:4: listen.max_lifetime: has no effect, because the copies of a program "
		  "accept by themselves (x.conf:3: service = program; leave it out)" },
		{ "listen 1 { service = exec  command = {a}\n max_lifetime = 1h }\n",
		  "x.conf:2: listen.max_lifetime: a program is never between messages (x.conf:1: "
		  "service = exec, whose option timeout ends programs)" },
		{ "listen 1 { service = ack\n max_connections = 10\n reserve = 11 }\n",
		  "x.conf:3: listen.reserve: 11 for each worker is more than max_connections = 10 "
		  "allows for all of them (x.conf:2)" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err;

		assert_null(configured_load(*state, rows[i].text, &err));
		assert_string_equal(err.text, rows[i].message);
		assert_int_equal(err.code, CODE_CONFIG);
	}
}

static void limits__of_the_command_line__name_its_words(void **state)
{
	const char *listener = "1=ack,rate_burst=5";
	const char *override = "listen.on_limit=close";
	struct conf_source source = { .file = "/dev/null",
				      .listeners = &listener,
				      .listener_count = 1 };
	struct err err;

	(void)state;
	assert_null(conf_load(&source, &err));
	assert_string_equal(
		err.text,
		"-l 1=ack,rate_burst=5: listen.rate_burst: has no effect without rate, "
		"which the listen at -l 1=ack,rate_burst=5 does not have (set it, or leave "
		"rate_burst out)");
	listener = "1=ack";
	source.overrides = &override;
	source.override_count = 1;
	assert_null(conf_load(&source, &err));
	assert_string_equal(err.text,
			    "-o listen.on_limit=close: listen.on_limit: has no effect "
			    "without a limit (max_connections, max_per_source, rate, "
			    "rate_per_source), which the listen at -l 1=ack does not have "
			    "(set it, or leave on_limit out)");
}

static void limits__that_fit_together__are_read(void **state)
{
	struct conf *conf = configured_load_good(
		*state,
		"listen 1 { service = ack  max_connections = 10  max_per_source = 10  rate = 5  "
		"rate_burst = 1  rate_per_source = 5  rate_per_source_burst = 9  source_prefix4 = "
		"24  source_prefix6 = 128  on_limit = reset  max_lifetime = 1m }\n"
		"listen \"unix:/x\" { service = ack  max_connections = 1  rate = 1 }\n"
		"listen 2 { service = exec  command = {a}  max_per_source = 1 }\n"
		"listen 3 { service = ack  max_lifetime = 1h }\n");

	assert_int_equal(conf->listeners[0].on_limit, ON_LIMIT_RESET);
	assert_int_equal(conf->listeners[0].source_prefix6, 128);
	assert_true(conf_limit_has_sources(&conf->listeners[0]));
	assert_true(conf_limit_is_on(&conf->listeners[1]));
	assert_false(conf_limit_has_sources(&conf->listeners[1]));
	assert_false(conf_limit_is_on(&conf->listeners[3]));
	assert_true(conf_limit_any(conf));
	conf_free(conf);
}

/* What -T prints is read again: an option with its default is as one that is not given. */
static void defaults__that_are_given__are_as_if_left_out(void **state)
{
	struct conf *conf = configured_load_good(
		*state, "listen 1 { service = ack  rate = off  rate_burst = auto  on_limit = wait "
			"source_prefix4 = 32  source_prefix6 = 64  max_connections = off }\n");

	assert_false(conf_limit_any(conf));
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits__that_contradict_each_other__are_refused_with_both_places),
		cmocka_unit_test(limits__of_the_command_line__name_its_words),
		cmocka_unit_test(limits__that_fit_together__are_read),
		cmocka_unit_test(defaults__that_are_given__are_as_if_left_out),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
