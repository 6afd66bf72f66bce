/* SPDX-License-Identifier: MIT */
/* Upstreams in files and on the command line: what is read, printed back, and refused. */
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

#define LISTEN        "listen 1 { service = proxy  upstream = u }\n"
#define WORDS         " (ADDRESS, then weight=N, max_connections=N, backup or down)"
#define FORMS         " (127.0.0.1:8080, [::1]:8080, name:8080 or unix:/path)"
#define SERVER(entry) "upstream u { server = {\"" entry "\"} }\n" LISTEN

static struct conf *load_words(const char **listeners, size_t count, struct err *err)
{
	struct conf_source source = { .file = "/dev/null",
				      .directory = "/here",
				      .listeners = listeners,
				      .listener_count = count };

	return conf_load(&source, err);
}

static void servers__of_a_file__have_their_words(void **state)
{
	struct conf *conf = configured_load_good(
		*state, "upstream u {\n server = {\"10.0.0.1:5432 weight=7\", "
			"\"  [::1]:7\\tmax_connections=9   backup\", \"unix:/run/x  down\", "
			"\"db.example:99 down weight=100 max_connections=1000000\"}\n}\n" LISTEN);
	static const struct upstream_server wanted[] = {
		{ "10.0.0.1:5432", 7, 0, false, false },
		{ "[::1]:7", 1, 9, true, false },
		{ "unix:/run/x", 1, 0, false, true },
		{ "db.example:99", 100, 1000000, false, true },
	};
	const struct upstream_conf *upstream = conf_upstream_of(conf, &conf->listeners[0]);

	assert_ptr_equal(upstream, &conf->upstreams[0]);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		struct upstream_server server;
		struct err err;

		assert_true(conf_upstream_server(upstream, i, &server, &err));
		assert_string_equal(server.address, wanted[i].address);
		assert_int_equal(server.weight, wanted[i].weight);
		assert_int_equal(server.max_connections, wanted[i].max_connections);
		assert_int_equal(server.is_backup, wanted[i].is_backup);
		assert_int_equal(server.is_down, wanted[i].is_down);
		assert_int_equal(conf_upstream_is_name(&server), i == 3);
	}
	conf_free(conf);
}

static void upstreams__that_are_wrong__are_refused_with_their_place(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ LISTEN, "x.conf:1: listen.upstream: there is no upstream \"u\"" },
		{ "upstream pool { server = {\"a:1\"} }\nlisten 1 { service = proxy  upstream = "
		  "pol "
		  "}\n",
		  "x.conf:2: listen.upstream: there is no upstream \"pol\" (did you mean pool?)" },
		{ "listen 1 { service = proxy }\n", "x.conf:1: listen.to: is missing (servers such "
						    "as 10.0.0.1:5432; or upstream, the title "
						    "of a section upstream)" },
		{ "upstream u { server = {\"a:1\"} }\nlisten 1 { service = proxy  upstream = u  "
		  "to = {\"b:1\"} }\n",
		  "x.conf:2: listen.to: contradicts listen.upstream (give one of the two)" },
		{ "upstream u { server = {\"a:1\"} }\nlisten 1 { service = ack  upstream = u }\n",
		  "x.conf:2: upstream: belongs to service proxy, not ack" },
		{ "upstream u { }\n" LISTEN,
		  "x.conf:1: upstream.server: is missing (server = {\"10.0.0.1:5432\"})" },
		{ "upstream u { server = {} }\n" LISTEN,
		  "x.conf:1: upstream.server: is missing (server = {\"10.0.0.1:5432\"})" },
		{ "upstream u { server = {\"a:1 backup\", \"b:1 backup\"} }\n" LISTEN,
		  "x.conf:1: upstream.server: all servers are backups (one must not be)" },
		{ "upstream u { server = {\"a:1\", \"b:1\", \"a:1 weight=2\"} }\n" LISTEN,
		  "x.conf:1: upstream.server: a:1 is given twice (use weight)" },
		{ "upstream u { server = {\"a:1\", \"b:1 backup\"}  balance = hash }\n" LISTEN,
		  "x.conf:1: upstream.server: b:1: backup contradicts balance = hash (a hash has "
		  "no "
		  "backups)" },
		{ "upstream u { server = {\"a:1\"}  check_send = x }\n" LISTEN,
		  "x.conf:1: upstream.check_send: has no effect without check = expect, which the "
		  "upstream at x.conf:1 does not have (set it, or leave check_send out)" },
		{ "upstream u { server = {\"a:1\"}  check = connect  check_expect = x }\n" LISTEN,
		  "x.conf:1: upstream.check_expect: has no effect without check = expect, which "
		  "the "
		  "upstream at x.conf:1 does not have (set it, or leave check_expect out)" },
		{ "upstream u { server = {\"a:1\"}  check = expect }\n" LISTEN,
		  "x.conf:1: upstream.check_expect: is missing (check = expect needs it)" },
		{ "upstream u { server = {\"a:1\"}  bind_source = 10.0.0.0/8 }\n" LISTEN,
		  "x.conf:1: upstream.bind_source: \"10.0.0.0/8\" is not an address such as "
		  "192.0.2.1" },
		{ "upstream u { server = {\"127.0.0.1:2\", \"unix:/a\"}  bind_source = \"::1\" "
		  "}\n" LISTEN,
		  "x.conf:1: upstream.bind_source: \"::1\" contradicts server (no server has an "
		  "IPv6 address)" },
		{ "upstream u { server = {\"a:1\"}  bind_source = 0.0.0.0 }\n" LISTEN,
		  "x.conf:1: upstream.bind_source: \"0.0.0.0\" is no address of a host (leave it "
		  "out: then the kernel chooses)" },
		{ "upstream u { server = {\"a:1\"}  bind_source = \"::\" }\n" LISTEN,
		  "x.conf:1: upstream.bind_source: \"::\" is no address of a host (leave it out: "
		  "then the kernel chooses)" },
		{ "upstream u { server = {\"a:1\"}  bind_source = 224.0.0.1 }\n" LISTEN,
		  "x.conf:1: upstream.bind_source: \"224.0.0.1\" is no address of a host (leave "
		  "it out: then the kernel chooses)" },
		{ "upstream u { server = {\"a:1\"}  bind_source = \"fe80::1\" }\n" LISTEN,
		  "x.conf:1: upstream.bind_source: \"fe80::1\" is a link-local address, whose "
		  "interface bind_source cannot name (give another address of this machine)" },
		{ "upstream u { server = {\"a:1\"}  bind_source = here }\n" LISTEN,
		  "x.conf:1: upstream.bind_source: \"here\" is not an address such as 192.0.2.1" },
		{ "upstream 1 { server = {\"a:1\"} }\nlisten 1 { service = proxy  to = {\"b:1\"} "
		  "}\n",
		  "x.conf:2: listen.to: upstream \"1\": the title is given twice "
		  "(first: x.conf:1)" },
		{ "upstream u { server = {\"a:1\"} }\nupstream u { server = {\"b:1\"} }\n" LISTEN,
		  "x.conf:2: upstream \"u\": the title is given twice (first: x.conf:1)" },
	};
	struct err err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (configured_load(*state, rows[i].text, &err))
			fail_msg("row %zu was taken", i);
		assert_string_equal(err.text, rows[i].message);
		assert_int_equal(err.code, CODE_CONFIG);
	}
}

static void servers__that_are_wrong__are_refused_with_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ SERVER("a:1 weight=0"), "a:1: weight: \"0\" is out of range (1 to 100)" },
		{ SERVER("a:1 weight=101"), "a:1: weight: \"101\" is out of range (1 to 100)" },
		{ SERVER("a:1 weight="), "a:1: weight: \"\" is not a number (1 to 100)" },
		{ SERVER("a:1 weight=-1"), "a:1: weight: \"-1\" is not a number (1 to 100)" },
		{ SERVER("a:1 max_connections=1000001"),
		  "a:1: max_connections: \"1000001\" is out of range (1 to 1000000)" },
		{ SERVER("a:1 max_connections=x"),
		  "a:1: max_connections: \"x\" is not a number (1 to 1000000)" },
		{ SERVER("a:1 weigth=3"), "a:1: \"weigth=3\" is unknown" WORDS },
		{ SERVER("a:1 weight"), "a:1: \"weight\" is unknown" WORDS },
		{ SERVER("a:1 backup=1"), "a:1: \"backup=1\" is unknown" WORDS },
		{ SERVER("a:1 b:1"), "a:1: \"b:1\" is unknown" WORDS },
		{ SERVER("a:1 weight=2 weight=3"), "a:1: weight: is given twice" },
		{ SERVER("a:1 down backup down"), "a:1: down: is given twice" },
		{ SERVER("a:1 maxconn=3"),
		  "a:1: \"maxconn=3\" is unknown (write max_connections=N)" },
		{ SERVER("a:1 send-proxy"),
		  "a:1: \"send-proxy\" is unknown (write send_proxy = v1 in the upstream)" },
		{ SERVER("5432"), "\"5432\" is not an address: it has no host" FORMS },
		{ SERVER(":5432"), "\":5432\" is not an address: it has no host" FORMS },
		{ SERVER("*:5432"), "\"*:5432\" is not an address: it has no host" FORMS },
		{ SERVER("a"), "\"a\" is not an address: it has no port" FORMS },
		{ SERVER("a:0"), "\"a:0\" is not an address: a server has no port 0" FORMS },
	};
	struct err err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char message[256];

		snprintf(message, sizeof(message), "x.conf:1: upstream.server: %s",
			 rows[i].message);
		if (configured_load(*state, rows[i].text, &err))
			fail_msg("row %zu was taken", i);
		assert_string_equal(err.text, message);
		assert_int_equal(err.code, CODE_CONFIG);
	}
}

/* One mistake, one message, which begins with the place. */
static void server__of_no_address_at_all__is_refused(void **state)
{
	static const char *const texts[] = { SERVER(" "), SERVER("a"), SERVER("a:99999"),
					     SERVER("unix:relative"), SERVER("[::1:5432") };
	struct err err;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		static const char place[] = "x.conf:1: upstream.server: ";

		assert_null(configured_load(*state, texts[i], &err));
		if (strncmp(err.text, place, sizeof(place) - 1) != 0)
			fail_msg("%s", err.text);
	}
}

static void address__that_is_too_long__is_refused(void **state)
{
	char text[1024];
	struct err err;

	snprintf(text, sizeof(text), "upstream u { server = {\"%0160d.example:1\"} }\n" LISTEN, 7);
	assert_null(configured_load(*state, text, &err));
	assert_non_null(strstr(err.text, "x.conf:1: upstream.server: "));
}

static void write_upstream(FILE *out, unsigned number, unsigned servers)
{
	fprintf(out, "upstream u%u { server = {\"10.0.0.1:1\"", number);
	for (unsigned i = 2; i <= servers; i++)
		fprintf(out, ", \"10.0.0.1:%u\"", i);
	fprintf(out, "} }\nlisten %u { service = proxy  upstream = u%u }\n", number + 1, number);
}

/* Servers of all upstreams together. */
static void servers__that_are_too_many__are_refused(void **state)
{
	for (unsigned count = 32; count <= 33; count++) {
		struct conf *conf;
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);
		struct err err;

		assert_non_null(out);
		for (unsigned number = 0; number < 2; number++)
			write_upstream(out, number, count);
		fclose(out);
		conf = configured_load(*state, text, &err);
		assert_true((conf != NULL) == (count == 32));
		if (!conf)
			assert_string_equal(err.text, "x.conf:3: upstream.server: there are more "
						      "than 64 servers in all");
		conf_free(conf);
		free(text);
	}
}

static void conf_print__of_upstreams__reads_back_to_the_same(void **state)
{
	struct conf *conf = configured_load_good(
		*state,
		"upstream u { server = {\"a:1 weight=3\", \"b:1 backup\"}  balance = random\n"
		" check = expect  check_send = \"PING\\r\\n\"  check_expect = \"+PONG\"\n"
		" bind_source = 127.0.0.1  queue_timeout = 3s  half_close = no }\n"
		"upstream v { server = {\"c:1\"} }\n" LISTEN
		"listen 2 { service = proxy  to = {\"a:1\", \"unix:/run/s down\"} }\n"
		"listen 3 { service = proxy  upstream = v }\n");
	char *first = configured_print(conf), *second;

	conf_free(conf);
	conf = configured_load_good(*state, first);
	second = configured_print(conf);
	assert_string_equal(strchr(first, '\n'), strchr(second, '\n'));
	assert_non_null(strstr(first, "to = {\"a:1\", \"unix:/run/s down\"}"));
	assert_non_null(strstr(first, "server = {\"a:1 weight=3\", \"b:1 backup\"}"));
	assert_int_equal(conf->upstream_count, 3); /* what `to` makes is not printed as a section */
	conf_free(conf);
	free(first);
	free(second);
}

/* A section that nobody refers to is checked all the same. */
static void upstream__without_a_listener__is_checked(void **state)
{
	struct err err;

	assert_null(configured_load(*state, "upstream u { }\nlisten 1 { service = ack }\n", &err));
	assert_string_equal(err.text, "x.conf:1: upstream.server: is missing (server = "
				      "{\"10.0.0.1:5432\"})");
}

static void command_line__with_several_to__is_one_list(void **state)
{
	const char *listeners[] = { "8000=proxy,to=10.0.0.1:1,to=10.0.0.2:1 weight=3" };
	struct upstream_server server;
	struct err err;
	struct conf *conf = load_words(listeners, 1, &err);

	(void)state;
	if (!conf)
		fail_msg("%s", err.text);
	assert_int_equal(conf->upstream_count, 1);
	assert_int_equal(conf->upstreams[0].server.count, 2);
	assert_true(conf_upstream_server(&conf->upstreams[0], 1, &server, &err));
	assert_string_equal(server.address, "10.0.0.2:1");
	assert_int_equal(server.weight, 3);
	conf_free(conf);
}

static void command_line__with_a_wrong_to__names_it(void **state)
{
	static const struct {
		const char *words, *message;
	} rows[] = {
		{ "8000=proxy", "-l 8000=proxy: listen.to: is missing (servers such as "
				"10.0.0.1:5432; or upstream, "
				"the title of a section upstream)" },
		{ "8000=proxy,to=10.0.0.1",
		  "-l 8000=proxy,to=10.0.0.1: to: \"10.0.0.1\" is not an address: " },
		{ "8000=ack,to=10.0.0.1:1", "to: belongs to service proxy, not ack" },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *listeners[] = { rows[i].words };

		assert_null(load_words(listeners, 1, &err));
		if (!strstr(err.text, rows[i].message))
			fail_msg("%s", err.text);
	}
}

static void idle_timeout__auto__is_that_of_the_listener(void **state)
{
	struct conf *conf = configured_load_good(
		*state, "upstream u { server = {\"a:1\"} }\nupstream v { server = {\"a:1\"}  "
			"idle_timeout = 3s }\n"
			"listen 1 { service = proxy  upstream = u  idle_timeout = 7s }\n"
			"listen 2 { service = proxy  upstream = v  idle_timeout = 7s }\n");

	for (unsigned i = 0; i < 2; i++) {
		const struct listen_conf *listen = &conf->listeners[i];

		assert_int_equal(conf_upstream_idle_ms(conf_upstream_of(conf, listen), listen),
				 i == 0 ? 7000 : 3000);
	}
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers__of_a_file__have_their_words),
		cmocka_unit_test(upstreams__that_are_wrong__are_refused_with_their_place),
		cmocka_unit_test(servers__that_are_wrong__are_refused_with_what_is_wrong),
		cmocka_unit_test(server__of_no_address_at_all__is_refused),
		cmocka_unit_test(address__that_is_too_long__is_refused),
		cmocka_unit_test(servers__that_are_too_many__are_refused),
		cmocka_unit_test(conf_print__of_upstreams__reads_back_to_the_same),
		cmocka_unit_test(upstream__without_a_listener__is_checked),
		cmocka_unit_test(command_line__with_several_to__is_one_list),
		cmocka_unit_test(command_line__with_a_wrong_to__names_it),
		cmocka_unit_test(idle_timeout__auto__is_that_of_the_listener),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
