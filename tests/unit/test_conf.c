/* SPDX-License-Identifier: MIT */
/* Tests of config/conf: whole configurations from files and from the command line. */
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
#include "unit/configured.h"
#include "unit/folder.h"

#define GOOD "listen \"8080\" { service = ack }\n"

static struct conf *load_flags(const char **listeners, size_t listener_count,
			       const char **overrides, size_t override_count, struct err *err)
{
	struct conf_source source = { .file = listener_count > 0 ? "/dev/null" : NULL,
				      .listeners = listeners,
				      .listener_count = listener_count,
				      .overrides = overrides,
				      .override_count = override_count };

	return conf_load(&source, err);
}

static void assert_listen_refused(const char *text, const char *message)
{
	struct err err;

	assert_null(load_flags(&text, 1, NULL, 0, &err));
	assert_string_equal(err.text, message);
	assert_int_equal(err.code, CODE_USAGE);
}

static void assert_override_refused(const char *text, const char *message)
{
	const char *listener = "8080=echo";
	struct err err;

	assert_null(load_flags(&listener, 1, &text, 1, &err));
	assert_string_equal(err.text, message);
	assert_int_equal(err.code, CODE_USAGE);
}

static void conf_load__of_a_file__has_its_values_and_defaults(void **state)
{
	struct conf *conf = configured_load_good(
		*state, "# a comment\nworkers = 3 // another\n"
			"log { level = debug } exempt = {10.0.0.0/8, ::1}\n/* and\none more */\n"
			"listen \"127.0.0.1:0\" {\n service = ack\n framing = line\n"
			" allow = {10.0.0.0/8, \"::1\"}\n}\n"
			"listen \"unix:/tmp/x\" { service = echo }\n");

	assert_string_equal(conf->origin, "x.conf");
	assert_int_equal(conf->workers, 3);
	assert_int_equal(conf->log_level, 0);
	assert_int_equal(conf->worker_connections, 10000);
	assert_int_equal(conf->exempt.count, 2);
	assert_string_equal(conf_place(conf, "exempt"), "x.conf:3");
	assert_int_equal(conf->listener_count, 2);
	assert_string_equal(conf->listeners[0].address, "127.0.0.1:0");
	assert_string_equal(conf->listeners[0].origin, "x.conf:6");
	assert_int_equal(conf->listeners[0].framing, FRAMING_LINE);
	assert_int_equal(conf->listeners[0].allow.count, 2);
	assert_string_equal(conf->listeners[1].service, "echo");
	assert_string_equal(conf_place(conf, "workers"), "x.conf:2");
	assert_string_equal(conf_place(conf, "umask"), "x.conf");
	conf_free(conf);
}

static void conf_load__of_nothing__is_the_built_in_default(void **state)
{
	struct conf_source source = { 0 };
	struct err err;
	struct conf *conf = conf_load(&source, &err);

	(void)state;
	/* a file that is installed on this machine comes first */
	assert_non_null(conf);
	if (strcmp(conf->origin, "built-in default") == 0) {
		assert_int_equal(conf->listener_count, 2);
		assert_string_equal(conf->listeners[0].address, "127.0.0.1:8080");
		assert_string_equal(conf->listeners[0].service, "status");
		assert_string_equal(conf->listeners[0].origin, "built-in default");
		assert_string_equal(conf->listeners[1].address, "127.0.0.1:8081");
		assert_string_equal(conf->listeners[1].service, "ack");
		assert_string_equal(conf->listeners[1].reply, "我已经收到");
	}
	conf_free(conf);
}

static void conf_load__with_a_variable__takes_it_from_the_environment(void **state)
{
	struct conf *conf;

	setenv("PREFORK_TEST_WORKERS", "7", 1);
	conf = configured_load_good(
		*state, "workers = ${PREFORK_TEST_WORKERS}\nuser = \"u${NO_SUCH:-x}\"\n" GOOD);
	assert_int_equal(conf->workers, 7);
	assert_string_equal(conf->user, "ux");
	conf_free(conf);
}

static void conf_load__with_dash_l__replaces_the_listeners_of_the_file(void **state)
{
	const char *listeners[] = { "127.0.0.1:0=echo" };
	struct conf_source source = { .file = "x.conf",
				      .directory = *state,
				      .listeners = listeners,
				      .listener_count = 1,
				      .workers = "5",
				      .pid_file = "x.pid" };
	char path[256];
	struct conf *conf;
	struct err err;

	folder_write(*state, "x.conf", "workers = 2\n" GOOD);
	conf = conf_load(&source, &err);
	assert_non_null(conf);
	assert_int_equal(conf->listener_count, 1);
	assert_string_equal(conf->listeners[0].service, "echo");
	assert_string_equal(conf->listeners[0].origin, "-l 127.0.0.1:0=echo");
	assert_int_equal(conf->workers, 5);
	snprintf(path, sizeof(path), "%s/x.pid", (char *)*state);
	assert_string_equal(conf->pid_file, path);
	assert_string_equal(conf_place(conf, "workers"), "-w 5");
	conf_free(conf);
}

static void dash_l__with_options__reads_them(void **state)
{
	const char *listeners[] = { "unix:/a=b=ack,framing=length,allow=unix,allow=10.0.0.0/8",
				    "127.0.0.1:0=ack,reply=a=b", "127.0.0.1:0=echo",
				    "[::1]:80=echo" };
	struct err err;
	struct conf *conf = load_flags(listeners, 4, NULL, 0, &err);

	(void)state;
	assert_non_null(conf);
	assert_string_equal(err.text, "");
	assert_string_equal(conf->listeners[0].address, "unix:/a=b");
	assert_int_equal(conf->listeners[0].framing, FRAMING_LENGTH);
	assert_int_equal(conf->listeners[0].allow.count, 2);
	assert_string_equal(conf->listeners[1].reply, "a=b");
	assert_string_equal(conf->listeners[3].address, "[::1]:80");
	conf_free(conf);
}

static void dash_l__that_is_wrong__is_refused(void **state)
{
	const char *twice[] = { "*:8080=ack", "8080=echo" };
	struct err err;

	(void)state;
	assert_listen_refused("8080", "-l 8080: the service is missing (ADDRESS=SERVICE)");
	assert_listen_refused("8080=ehco",
			      "-l 8080=ehco: \"ehco\" is not a service (ack, echo, discard, "
			      "daytime, chargen, status, "
			      "http, module, program, proxy or exec; did you mean echo?)");
	assert_listen_refused("8080=ack,backlog=x",
			      "-l 8080=ack,backlog=x: backlog: \"x\" is not a number (1 to 65535)");
	assert_listen_refused(
		"8080=ack,baklog=1",
		"-l 8080=ack,baklog=1: \"baklog\" is an unknown option (did you mean backlog?)");
	assert_listen_refused(
		"8080=ack,listen.reply=x",
		"-l 8080=ack,listen.reply=x: \"listen.reply\" is an unknown option (write "
		"reply=...)");
	assert_listen_refused("8080=ack,workers=2", "-l 8080=ack,workers=2: \"workers\" is an "
						    "unknown option (write -o workers=...)");
	assert_listen_refused("", "-l \"\": the service is missing (ADDRESS=SERVICE)");
	assert_listen_refused(
		"8080=echo,framing=line",
		"-l 8080=echo,framing=line: framing: belongs to service ack, not echo");
	assert_listen_refused("8080=echo,max_header=1k",
			      "-l 8080=echo,max_header=1k: max_header: belongs to services http "
			      "and status, not echo");
	assert_listen_refused("8080=ack,backlog=1,backlog=2",
			      "-l 8080=ack,backlog=1,backlog=2: backlog: is given twice");
	assert_listen_refused("8080=ack,", "-l 8080=ack,: \"\": \"=\" is missing (OPTION=VALUE)");
	assert_null(load_flags(twice, 2, NULL, 0, &err));
	assert_string_equal(err.text,
			    "-l 8080=echo: the address is given twice (first: -l *:8080=ack)");
}

static void dash_o__sets_options_of_each_section(void **state)
{
	const char *listeners[] = { "127.0.0.1:0=ack", "127.0.0.1:0=echo" };
	const char *overrides[] = { "workers=2", "log.level=error", "listen.backlog=9",
				    "listen.framing=line", "listen.deny=10.0.0.0/8,unix" };
	struct err err;
	struct conf *conf = load_flags(listeners, 2, overrides, 5, &err);

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf->workers, 2);
	assert_int_equal(conf->log_level, 4);
	assert_int_equal(conf->listeners[0].backlog, 9);
	assert_int_equal(conf->listeners[1].backlog, 9);
	assert_int_equal(conf->listeners[0].framing, FRAMING_LINE);
	assert_int_equal(conf->listeners[1].framing, FRAMING_RAW);
	assert_int_equal(conf->listeners[1].deny.count, 2);
	conf_free(conf);
}

static void dash_o__that_is_wrong__is_refused(void **state)
{
	(void)state;
	assert_override_refused("workers", "-o workers: \"=\" is missing (NAME=VALUE)");
	assert_override_refused("log.level=lots",
				"-o log.level=lots: \"lots\" is unknown (debug, info, "
				"notice, warning or error)");
	assert_override_refused("lgo.level=debug",
				"-o lgo.level=debug: \"lgo.level\" is an unknown option "
				"(did you mean log.level?)");
	assert_override_refused("reply=x", "-o reply=x: \"reply\" is an unknown option (write "
					   "listen.reply=... for every listener, or -l "
					   "ADDRESS=SERVICE,reply=... for one)");
	assert_override_refused("level=debug", "-o level=debug: \"level\" is an unknown option "
					       "(write log.level=...)");
	assert_override_refused("log.workers=1", "-o log.workers=1: \"log.workers\" is an unknown "
						 "option (write workers=...)");
	assert_override_refused("", "-o \"\": \"=\" is missing (NAME=VALUE)");
	assert_override_refused(
		"listen.framing=line",
		"-o listen.framing=line: framing: belongs to service ack, not echo");
	assert_override_refused("listen.service=no",
				"-o listen.service=no: \"no\" is not a service (ack, "
				"echo, discard, daytime, chargen, status, "
				"http, module, program, proxy or exec)");
	assert_override_refused("chroot=here",
				"-o chroot=here: \"here\" is not an absolute path (a path "
				"that begins with / or empty)");
}

static void conf_print__reads_back_to_the_same(void **state)
{
	static const char text[] =
		"user = \"a\\\"b\\\\c\\x01${NO_SUCH:-}\\${HOME}\"\nshutdown_timeout = 90s\n"
		"log { path = \"/x y\" format = json }\n"
		"listen \"unix:/a\\\"b\" { service = ack reply = 'it\\'s'\n"
		" allow = {10.0.0.0/8,::1} idle_timeout = off max_message = 1m }\n"
		"listen \"127.0.0.1:0\" { service = chargen }\n"
		"listen \"127.0.0.1:0\" { service = daytime }\n";
	struct conf *first = configured_load_good(*state, text), *second;
	char *one = configured_print(first), *two;

	second = configured_load_good(*state, one);
	two = configured_print(second);
	assert_string_equal(one, two);
	assert_string_equal(second->user, "a\"b\\c\x01${HOME}");
	assert_string_equal(second->listeners[0].reply, "it's");
	assert_int_equal(second->listener_count, 3);
	free(one);
	free(two);
	conf_free(first);
	conf_free(second);
}

static void assert_reload(void **state, const char *from, const char *to, const char *message)
{
	struct conf *a = configured_load_good(*state, from), *b = configured_load_good(*state, to);
	struct err err = { 0 };

	assert_int_equal(conf_can_reload(a, b, &err), message == NULL);
	assert_string_equal(err.text, message ? message : "");
	conf_free(a);
	conf_free(b);
}

static void conf_can_reload__tells_what_needs_a_restart(void **state)
{
	assert_reload(state, GOOD, "workers = 3\nlisten \"8081\" { service = echo }\n", NULL);
	assert_reload(state, GOOD, "pid_file = /x\n" GOOD,
		      "x.conf:1: pid_file: cannot change at run time (restart the server)");
	assert_reload(state, GOOD, "listen \"8080\" { service = ack v6only = yes }\n",
		      "x.conf:1: listen \"8080\": listen.v6only: cannot change at run time "
		      "(restart the server)");
	assert_reload(state, GOOD, "listen \"8081\" { service = ack v6only = yes }\n", NULL);
}

static void same_address__knows_other_spellings(void **state)
{
	(void)state;
	assert_true(conf_same_address("8080", "*:8080"));
	assert_true(conf_same_address(":8080", "08080"));
	assert_true(conf_same_address("[::1]:80", "[0:0:0:0:0:0:0:1]:80"));
	assert_true(conf_same_address("localhost:80", "LocalHost:80"));
	assert_false(conf_same_address("127.0.0.1:80", "8080"));
	assert_false(conf_same_address("127.0.0.1:0", "127.0.0.1:0"));
	assert_true(conf_same_address("unix:/a", "unix:/a"));
	assert_false(conf_same_address("unix:/a", "unix:/b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conf_load__of_a_file__has_its_values_and_defaults),
		cmocka_unit_test(conf_load__of_nothing__is_the_built_in_default),
		cmocka_unit_test(conf_load__with_a_variable__takes_it_from_the_environment),
		cmocka_unit_test(conf_load__with_dash_l__replaces_the_listeners_of_the_file),
		cmocka_unit_test(dash_l__with_options__reads_them),
		cmocka_unit_test(dash_l__that_is_wrong__is_refused),
		cmocka_unit_test(dash_o__sets_options_of_each_section),
		cmocka_unit_test(dash_o__that_is_wrong__is_refused),
		cmocka_unit_test(conf_print__reads_back_to_the_same),
		cmocka_unit_test(conf_can_reload__tells_what_needs_a_restart),
		cmocka_unit_test(same_address__knows_other_spellings),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
