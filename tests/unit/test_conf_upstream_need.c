/* SPDX-License-Identifier: MIT */
/*
 * What is refused of an upstream because it has no effect or cannot work, with the place of the
 * option; and what to write instead of the names of other servers.
 */
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
#include "config/conf_upstream.h"
#include "unit/configured.h"
#include "unit/folder.h"

#define LISTEN       "listen 1 { service = proxy  upstream = u }\n"
#define WITH(option) "upstream u { server = {\"a:1\"}\n " option " }\n" LISTEN

struct row {
	const char *text, *message;
};

static void assert_refused(const char *folder, const struct row *rows, size_t count)
{
	struct err err;

	for (size_t i = 0; i < count; i++) {
		if (configured_load(folder, rows[i].text, &err))
			fail_msg("row %zu was taken", i);
		assert_string_equal(err.text, rows[i].message);
		assert_int_equal(err.code, CODE_CONFIG);
	}
}
#define ASSERT_REFUSED(folder, rows) assert_refused(folder, rows, sizeof(rows) / sizeof(*(rows)))

#define NEEDS(option, needed)                                                                  \
	"x.conf:2: upstream." option ": has no effect without " needed ", which the upstream " \
	"at x.conf:1 does not have (set it, or leave " option " out)"

static void options__without_what_they_need__are_refused_with_their_line(void **state)
{
	static const struct row rows[] = {
		{ WITH("check_send = x"), NEEDS("check_send", "check = expect") },
		{ WITH("check_expect = x  check = connect"),
		  NEEDS("check_expect", "check = expect") },
		{ WITH("check_interval = 1s"), NEEDS("check_interval", "check") },
		{ WITH("check_timeout = 1s"), NEEDS("check_timeout", "check") },
		{ WITH("fail_timeout = 1s  max_fails = off"), NEEDS("fail_timeout", "max_fails") },
		{ WITH("slow_start = 1s  max_fails = off"),
		  NEEDS("slow_start", "max_fails or check") },
		{ WITH("slow_start = 1s  balance = hash"),
		  NEEDS("slow_start", "a balance other than hash") },
		{ WITH("half_close_timeout = 1s  half_close = no"),
		  NEEDS("half_close_timeout", "half_close") },
	};

	ASSERT_REFUSED(*state, rows);
}

static void options__with_what_they_need__are_read(void **state)
{
	static const char *const texts[] = {
		WITH("check_interval = 1s  check_timeout = 1s  check = connect"),
		WITH("slow_start = 1s"),
		WITH("slow_start = 1s  max_fails = off  check = connect"),
		WITH("half_close_timeout = 1s  half_close = yes"),
		/* defaults that are given, as -T prints them */
		WITH("check_interval = 5s  fail_timeout = 10s  max_fails = off  half_close = no  "
		     "half_close_timeout = 1m  slow_start = off"),
		"listen \"127.0.0.1:0\" { service = proxy  to = {\"127.0.0.1:1\"} }\n",
		"listen \"127.0.0.1:1\" { service = proxy  to = {\"127.0.0.2:1\"} }\n",
		"listen 1 { service = ack  reserve = 5  max_connections = 5 }\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		conf_free(configured_load_good(*state, texts[i]));
}

static void servers__with_a_mistake__are_named_with_their_line(void **state)
{
	static const struct row rows[] = {
		{ "upstream u {\n server = {\"a:1\",\n \"b:1 weight=2000\"} }\n" LISTEN,
		  "x.conf:3: upstream.server: b:1: weight: \"2000\" is out of range (1 to 100)" },
		{ "upstream u {\n server = {\"a:1\",\n \"a:1\"} }\n" LISTEN,
		  "x.conf:2: upstream.server: a:1 is given twice (use weight)" },
		{ WITH("bind_source = x"),
		  "x.conf:2: upstream.bind_source: \"x\" is not an address such as 192.0.2.1" },
		{ "listen 1 { service = proxy\n to = {\"a:1\", \"a:1\"} }\n",
		  "x.conf:2: listen.to: a:1 is given twice (use weight)" },
		{ "listen 1 { service = proxy\n to = {\"a:1 backup\"} }\n",
		  "x.conf:2: listen.to: all servers are backups (one must not be)" },
		{ "listen 1 { service = proxy\n to = {\"a:1\",\n \"a\"} }\n",
		  "x.conf:3: listen.to: \"a\" is not an address: it has no port (127.0.0.1:8080, "
		  "[::1]:8080, name:8080 or unix:/path)" },
	};

	ASSERT_REFUSED(*state, rows);
}

static void listener__that_is_its_own_server__is_refused(void **state)
{
	static const struct row rows[] = {
		{ "listen \"127.0.0.1:5\" { service = proxy\n to = {\"127.0.0.1:5\"} }\n",
		  "x.conf:2: listen.to: 127.0.0.1:5 is the listener itself, which would connect to "
		  "itself (x.conf:1: listen \"127.0.0.1:5\")" },
		{ "upstream u {\n server = {\"a:1\", \"unix:/x\"} }\nlisten \"unix:/x\" { service "
		  "= proxy  upstream = u }\n",
		  "x.conf:2: upstream.server: unix:/x is the listener itself, which would connect "
		  "to itself (x.conf:3: listen \"unix:/x\")" },
		{ "listen \"*:5\" { service = proxy\n to = {\"[::1]:5\"} }\n",
		  "x.conf:2: listen.to: [::1]:5 is the listener itself, which would connect to "
		  "itself (x.conf:1: listen \"*:5\")" },
	};

	ASSERT_REFUSED(*state, rows);
}

#define UNKNOWN(name, hint)                                                        \
	{                                                                          \
		WITH(name " = x"), "x.conf:2: " name ": unknown option (" hint ")" \
	}

static void names__of_other_servers__have_a_hint_of_their_section(void **state)
{
	static const struct row rows[] = {
		UNKNOWN("maxconn", "write max_connections, which is the limit of each server"),
		UNKNOWN("max_conns", "write max_connections, which is the limit of each server"),
		UNKNOWN("proxy_protocol", "write send_proxy = v1"),
		UNKNOWN("send-proxy", "write send_proxy = v1 in the upstream"),
		UNKNOWN("proxy_pass", "write service = proxy and to = {ADDRESS, ...} in a listen"),
		UNKNOWN("inter", "write check_interval"),
		UNKNOWN("ip_hash", "write balance = hash"),
		UNKNOWN("leastconn", "write balance = least_conn"),
		UNKNOWN("zone", "not needed: the workers share what they know of servers"),
		UNKNOWN("proxy_timeout", "write idle_timeout"),
		UNKNOWN("proxy_connect_timeout", "write connect_timeout in the upstream"),
		UNKNOWN("limit_conn",
			"write max_per_source, or max_connections for all of them together"),
		{ WITH("balance = source"),
		  "x.conf:2: upstream.balance: \"source\" is unknown "
		  "(least_conn, round_robin, random or hash; write hash)" },
		{ WITH("send_proxy = yes"), "x.conf:2: upstream.send_proxy: \"yes\" is unknown "
					    "(off, v1 or v2; write the version: v1 or v2)" },
		{ "listen 1 { service = ack\n maxconn = 3 }\n",
		  "x.conf:2: maxconn: unknown option (write max_connections)" },
		{ "listen 1 { service = proxy\n server = {\"a:1\"} }\n",
		  "x.conf:2: server: unknown option (write to = {ADDRESS, ...}, or upstream = "
		  "TITLE)" },
		{ "maxconn = 3\n", "x.conf:1: maxconn: unknown option (write worker_connections, "
				   "which is the limit of each worker)" },
	};

	ASSERT_REFUSED(*state, rows);
}

/* One -l and any -o. */
static struct conf *load_words(const char *listener, const char *const *overrides, size_t count,
			       struct err *err)
{
	struct conf_source source = { .file = "/dev/null",
				      .listeners = &listener,
				      .listener_count = 1,
				      .overrides = (const char **)overrides,
				      .override_count = count };

	return conf_load(&source, err);
}

static void command_line__with_a_mistake__says_what_to_write(void **state)
{
	static const struct {
		const char *listener, *override, *message;
	} rows[] = {
		{ "8000=proxy,server=a:1", NULL,
		  "-l 8000=proxy,server=a:1: \"server\" is an unknown option (write to=ADDRESS, "
		  "once for each server)" },
		{ "8000=proxy,to=a:1,maxconn=1", NULL,
		  "-l 8000=proxy,to=a:1,maxconn=1: \"maxconn\" is an unknown option (write "
		  "max_connections)" },
		{ "8000=proxy,to=a:1", "upstream.server=b:1",
		  "-o upstream.server=b:1: there is no upstream (the servers of a listener are "
		  "given by to=)" },
		{ "8000=proxy", "upstream.server=b:1",
		  "-o upstream.server=b:1: there is no upstream (the servers of a listener are "
		  "given by to=)" },
		{ "8000=proxy,to=a:1", "upstream.maxconn=1",
		  "-o upstream.maxconn=1: \"upstream.maxconn\" is an unknown option (write "
		  "max_connections, which is the limit of each server)" },
		{ "8000=proxy,to=a:1", "upstream.check_interval=1s",
		  "-o upstream.check_interval=1s: upstream.check_interval: has no effect without "
		  "check, which the upstream at -l 8000=proxy,to=a:1 does not have (set it, or "
		  "leave check_interval out)" },
		{ "8000=proxy,to=a:1", "listen.to=b",
		  "-o listen.to=b: \"b\" is not an address: it has no port (127.0.0.1:8080, "
		  "[::1]:8080, name:8080 or unix:/path)" },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_null(load_words(rows[i].listener, &rows[i].override,
				       rows[i].override != NULL, &err));
		assert_string_equal(err.text, rows[i].message);
	}
}

/* In any order: to makes the upstream that the other option is set on. */
static void dash_o__of_to__replaces_the_servers(void **state)
{
	static const char *const overrides[] = { "upstream.balance=random",
						 "listen.to=b:1,c:1 weight=2" };
	struct err err;
	struct conf *conf = load_words("8000=proxy,to=a:1", overrides, 2, &err);
	const struct upstream_conf *upstream;

	(void)state;
	if (!conf)
		fail_msg("%s", err.text);
	upstream = conf_upstream_of(conf, &conf->listeners[0]);
	assert_int_equal(conf->upstream_count, 1);
	assert_int_equal(upstream->server.count, 2);
	assert_string_equal(upstream->server.texts[0], "b:1");
	assert_int_equal(upstream->balance, BALANCE_RANDOM);
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options__without_what_they_need__are_refused_with_their_line),
		cmocka_unit_test(options__with_what_they_need__are_read),
		cmocka_unit_test(servers__with_a_mistake__are_named_with_their_line),
		cmocka_unit_test(listener__that_is_its_own_server__is_refused),
		cmocka_unit_test(names__of_other_servers__have_a_hint_of_their_section),
		cmocka_unit_test(command_line__with_a_mistake__says_what_to_write),
		cmocka_unit_test(dash_o__of_to__replaces_the_servers),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
