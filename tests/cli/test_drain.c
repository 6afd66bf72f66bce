/* SPDX-License-Identifier: MIT */
/* -s drain and -s undrain: what they print, and what they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "cli/command.h"
#include "unit/folder.h"

/* Nothing listens on these ports of the loopback network. */
#define CONF                                                                   \
	"workers = 1\n"                                                        \
	"upstream echo { server = {\"127.1.1.1:1\", \"127.1.1.1:2 down\"} }\n" \
	"upstream other { server = {\"127.1.1.1:1\", \"127.1.1.1:777\"} }\n"   \
	"upstream checked { server = {\"127.1.1.1:3\"}  check = connect\n"     \
	" check_interval = 100ms }\n"                                          \
	"listen \"127.0.0.1:0\" { service = proxy  upstream = echo }\n"        \
	"listen \"127.0.0.1:0\" { service = proxy  upstream = other }\n"       \
	"listen \"127.0.0.1:0\" { service = proxy  upstream = checked }\n"

static struct said said;

static void start(struct server *server, const char *folder)
{
	const char *arguments[] = { "-c", "s.conf", "-p", "s.pid", NULL };

	folder_write(folder, "s.conf", CONF);
	command_start(server, folder, arguments);
}

static void stop(struct server *server, const char *folder)
{
	RUN(&said, folder, "-s", "stop", "-p", "s.pid");
	assert_int_equal(said.code, CODE_OK);
	assert_int_equal(command_wait(server), 0);
}

static void order(const char *folder, const char *verb, const char *name)
{
	RUN(&said, folder, "-s", verb, name, "-p", "s.pid");
}

static void drain__and_undrain__say_what_the_server_gets(void **state)
{
	struct server server;

	start(&server, *state);
	order(*state, "drain", "127.1.1.1:1");
	assert_string_equal(
		said.out, "drain: ok, 127.1.1.1:1 of echo gets no new connections, 0 are left\n"
			  "drain: ok, 127.1.1.1:1 of other gets no new connections, 0 are left\n");
	order(*state, "undrain", "echo/127.1.1.1:1");
	assert_string_equal(said.out, "undrain: ok, 127.1.1.1:1 of echo gets new connections\n");
	stop(&server, *state);
}

static void undrain__of_a_server_that_gets_none__says_why(void **state)
{
	static const char failed[] =
		"undrain: ok, 127.1.1.1:3 of checked is no longer drained; still check_failed\n";
	int64_t until_ms = clock_ms() + 20000;
	struct server server;

	start(&server, *state);
	order(*state, "drain", "127.1.1.1:2");
	order(*state, "undrain", "127.1.1.1:2");
	assert_string_equal(said.out,
			    "undrain: ok, 127.1.1.1:2 of echo is no longer drained; still down\n");
	do
		order(*state, "undrain", "127.1.1.1:3");
	while (strcmp(said.out, failed) != 0 && clock_ms() < until_ms);
	assert_string_equal(said.out, failed);
	stop(&server, *state);
}

/* What was asked of one upstream is not offered for all. */
static void drain__of_a_wrong_name__offers_only_what_is_meant(void **state)
{
	static const struct {
		const char *name, *hint;
	} rows[] = {
		{ "ech/127.1.1.1:1", " (did you mean echo/127.1.1.1:1?)" },
		{ "echo/127.1.1.1:777", " (did you mean echo/127.1.1.1:1?)" },
		{ "database/127.1.1.1:1", "" },
		{ "127.1.1.1:77", " (did you mean 127.1.1.1:777?)" },
		{ "unix:/run/nowhere/at/all", "" },
	};
	struct server server;

	start(&server, *state);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char message[256];

		snprintf(message, sizeof(message),
			 "prefork-srv: drain: no upstream has a server \"%s\"%s\n", rows[i].name,
			 rows[i].hint);
		order(*state, "drain", rows[i].name);
		assert_string_equal(said.err, message);
		assert_int_equal(said.code, CODE_FAILED);
	}
	order(*state, "drain", "echo");
	assert_string_equal(said.err,
			    "prefork-srv: drain: \"echo\" is an upstream (name one of its "
			    "servers, such as echo/127.1.1.1:1)\n");
	stop(&server, *state);
}

/* The signal stays pending: the master carries the order out when it goes on. */
static void drain__while_the_master_is_stopped__says_that_it_may_come(void **state)
{
	struct server server;

	start(&server, *state);
	assert_int_equal(kill(server.pid, SIGSTOP), 0);
	order(*state, "drain", "127.1.1.1:2");
	assert_int_equal(kill(server.pid, SIGCONT), 0);
	assert_string_equal(said.err, "prefork-srv: drain: the server has not answered (it may "
				      "still carry out the order)\n");
	assert_int_equal(said.code, CODE_FAILED);
	stop(&server, *state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drain__and_undrain__say_what_the_server_gets),
		cmocka_unit_test(undrain__of_a_server_that_gets_none__says_why),
		cmocka_unit_test(drain__of_a_wrong_name__offers_only_what_is_meant),
		cmocka_unit_test(drain__while_the_master_is_stopped__says_that_it_may_come),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
