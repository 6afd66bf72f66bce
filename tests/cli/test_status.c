/* SPDX-License-Identifier: MIT */
/* -s status of a running server, of a hanging one, and of a dead one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "cli/command.h"
#include "unit/folder.h"

#define CONF "workers = 2\nlisten \"127.0.0.1:0\" { service = ack backlog = 16 }\n"

static struct said said;
static struct server server;

static void start(void **state)
{
	const char *arguments[] = { "-c", "s.conf", "-p", "s.pid", NULL };

	folder_write(*state, "s.conf", CONF);
	command_start(&server, *state, arguments);
}

static void stop(void **state)
{
	RUN(&said, *state, "-s", "stop", "-p", "s.pid");
	assert_int_equal(said.code, CODE_OK);
	assert_int_equal(command_wait(&server), 0);
}

static void status(void **state)
{
	RUN(&said, *state, "-s", "status", "-p", "s.pid");
}

static void assert_shown(const char *text)
{
	if (strstr(said.out, text) == NULL)
		fail_msg("\"%s\" is not in:\n%s%s", text, said.out, said.err);
}

/* Repeats the command, because the master counts its workers a moment after they are ready. */
static void expect(void **state, const char *text)
{
	for (int64_t end_ms = clock_ms() + 30000; clock_ms() < end_ms;) {
		status(state);
		if (strstr(said.out, text) != NULL)
			return;
	}
	assert_shown(text);
}

static void assert_failed(const char *message)
{
	assert_int_equal(said.code, CODE_FAILED);
	if (strstr(said.err, message) == NULL)
		fail_msg("\"%s\" is not in:\n%s", message, said.err);
}

static void assert_listener_shown(void)
{
	char row[300];

	snprintf(row, sizeof(row), "\n%s  ack ", server.address);
	assert_shown(row);
}

/* Asserts that the output has no control bytes except line ends. */
static void assert_harmless(void)
{
	for (const unsigned char *c = (const unsigned char *)said.out; *c != '\0'; c++)
		if ((*c < ' ' && *c != '\n') || *c == 0x7f)
			fail_msg("byte %02x at %td", *c, (const char *)c - said.out);
}

static unsigned widest_line(void)
{
	unsigned widest = 0, columns = 0;

	for (const char *c = said.out; *c != '\0'; c++) {
		columns = *c == '\n' ? 0 : columns + (((unsigned char)*c & 0xc0) != 0x80);
		if (columns > widest)
			widest = columns;
	}
	return widest;
}

static void status__without_a_server__says_so(void **state)
{
	char message[512];

	snprintf(message, sizeof(message),
		 "prefork-srv: no server is running (pid file %s/s.pid)\n", (char *)*state);
	status(state);
	assert_string_equal(said.out, "");
	assert_string_equal(said.err, message);
	assert_int_equal(said.code, CODE_FAILED);
	RUN(&said, *state, "-s", "status", "--json", "-p", "s.pid");
	assert_string_equal(said.out, "");
	assert_string_equal(said.err, message);
	assert_int_equal(said.code, CODE_FAILED);
}

static void status__shows_server_listeners_and_workers(void **state)
{
	char pid[64];

	start(state);
	status(state);
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, CODE_OK);
	snprintf(pid, sizeof(pid), "   pid %d   up ", (int)server.pid);
	assert_int_equal(strncmp(said.out, "prefork-srv ", 12), 0);
	assert_shown(pid);
	assert_shown("   generation 1   ");
	assert_shown("configuration  s.conf\n");
	expect(state, "2 of 2 ready");
	assert_shown("last reload    none\n");
	assert_shown("\nLISTENERS  ");
	assert_listener_shown();
	assert_shown("\nWORKERS  cpu%: the mean since each was started\n#  slot ");
	assert_shown("  ready  ");
	assert_null(strstr(said.out, "CRASHES"));
	assert_null(strstr(said.out, "DEAD"));
	assert_harmless();
	RUN(&said, *state, "-s", "status", "-q", "-p", "s.pid");
	assert_string_equal(said.out, "");
	assert_int_equal(said.code, CODE_OK);
	stop(state);
}

static void status__in_lame_duck__tells_the_time_left(void **state)
{
	const char *arguments[] = { "-c", "s.conf", "-p", "s.pid", "-o", "lame_duck=10m", NULL };

	folder_write(*state, "s.conf", CONF);
	command_start(&server, *state, arguments);
	assert_int_equal(kill(server.pid, SIGTERM), 0);
	expect(state, "   lame duck, ");
	assert_shown("s left\n");
	assert_int_equal(said.code, CODE_OK);
	RUN(&said, *state, "-s", "status", "--json", "-p", "s.pid");
	assert_shown("\"state\":\"lame_duck\"");
	assert_null(strstr(said.out, "\"lame_duck_left_seconds\":null"));
	stop(state);
}

static void status__is_no_wider_than_told(void **state)
{
	static const char *const widths[] = { "80", "40", "20" };

	start(state);
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		setenv("COLUMNS", widths[i], 1);
		status(state);
		assert_int_equal(said.code, CODE_OK);
		assert_in_range(widest_line(), 10, strtoul(widths[i], NULL, 10));
	}
	unsetenv("COLUMNS");
	stop(state);
}

static void status__as_json__is_one_object(void **state)
{
	size_t length;

	start(state);
	RUN(&said, *state, "-s", "status", "--json", "-p", "s.pid");
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, CODE_OK);
	length = strlen(said.out);
	assert_true(length > 4);
	assert_int_equal(said.out[0], '{');
	assert_string_equal(said.out + length - 2, "}\n");
	assert_shown("\"alive\":true");
	stop(state);
}

static void status__after_a_failed_reload__says_why(void **state)
{
	start(state);
	folder_write(*state, "s.conf", CONF "backlgo = 3\n");
	RUN(&said, *state, "-s", "reload", "-p", "s.pid");
	assert_int_equal(said.code, CODE_FAILED);
	status(state);
	assert_int_equal(said.code, CODE_OK);
	assert_shown("last reload    FAILED ");
	assert_shown(
		"\n               s.conf:3: backlgo: unknown option (did you mean backlog?)\n");
	folder_write(*state, "s.conf", CONF);
	RUN(&said, *state, "-s", "reload", "-p", "s.pid");
	status(state);
	assert_shown("last reload    ok ");
	assert_shown("   generation 2   ");
	stop(state);
}

static void status__of_a_server_that_hangs__does_not_wait(void **state)
{
	start(state);
	expect(state, "2 of 2 ready");
	assert_int_equal(kill(server.pid, SIGSTOP), 0);
	status(state);
	assert_int_equal(said.code, CODE_OK);
	assert_shown("2 of 2 ready");
	assert_int_equal(kill(server.pid, SIGCONT), 0);
	stop(state);
}

static void status__of_a_dead_server__shows_what_is_left_and_fails(void **state)
{
	start(state);
	assert_int_equal(kill(server.pid, SIGKILL), 0);
	assert_int_equal(command_wait(&server), -1);
	status(state);
	assert_failed("prefork-srv: no server is running (pid file ");
	assert_int_equal(strncmp(said.out, "DEAD: ", 6), 0);
	assert_shown("   generation 1   dead\n");
	assert_listener_shown();
	RUN(&said, *state, "-s", "status", "--json", "-p", "s.pid");
	assert_failed("no server is running");
	assert_shown("\"alive\":false");
	RUN(&said, *state, "-s", "status", "-q", "-p", "s.pid");
	assert_string_equal(said.out, "");
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, CODE_FAILED);
	/* of the other verbs, -q drops only the success */
	RUN(&said, *state, "-s", "reload", "-q", "-p", "s.pid");
	assert_failed("no server is running");
	RUN(&said, *state, "-s", "status", "-q", "-p", "none");
	assert_says_one_line(&said, "prefork-srv: -s status: a server that keeps no pid file",
			     CODE_USAGE);
}

/* The server runs, but its state cannot be read: that must not be reported as a stopped server. */
static void status__of_a_server_without_a_scoreboard__says_so(void **state)
{
	char path[512], message[128];

	start(state);
	snprintf(path, sizeof(path), "%s/s.scoreboard", (char *)*state);
	unlink(path);
	status(state);
	snprintf(message, sizeof(message),
		 "prefork-srv: the server (pid %d) runs, but cannot be seen: cannot open the "
		 "scoreboard",
		 (int)server.pid);
	assert_failed(message);
	assert_string_equal(said.out, "");
	stop(state);
}

static void flags__of_status__are_refused_elsewhere(void **state)
{
	static const struct {
		const char *arguments[5];
		const char *message;
	} rows[] = {
		{ { "--json" }, "--json: goes with -s status only" },
		{ { "--watch", "-t" }, "--watch: goes with -s status only" },
		{ { "-s", "reload", "--json" }, "--json: goes with -s status only" },
		{ { "-s", "status", "--json", "--watch" },
		  "--json and --watch do not go together" },
		{ { "-s", "status", "--json", "-q" }, "-q and --json do not go together" },
		{ { "-s", "status", "--watch", "-q" }, "-q and --watch do not go together" },
		{ { "-s", "status", "--watch" },
		  "--watch: needs a terminal on stdin and stdout (without it, -s status prints "
		  "once)" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char message[512];

		snprintf(message, sizeof(message), "prefork-srv: %s\n", rows[i].message);
		command_run(&said, *state, rows[i].arguments);
		assert_string_equal(said.err, message);
		assert_string_equal(said.out, "");
		assert_int_equal(said.code, CODE_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status__without_a_server__says_so),
		cmocka_unit_test(status__shows_server_listeners_and_workers),
		cmocka_unit_test(status__in_lame_duck__tells_the_time_left),
		cmocka_unit_test(status__is_no_wider_than_told),
		cmocka_unit_test(status__as_json__is_one_object),
		cmocka_unit_test(status__after_a_failed_reload__says_why),
		cmocka_unit_test(status__of_a_server_that_hangs__does_not_wait),
		cmocka_unit_test(status__of_a_dead_server__shows_what_is_left_and_fails),
		cmocka_unit_test(status__of_a_server_without_a_scoreboard__says_so),
		cmocka_unit_test(flags__of_status__are_refused_elsewhere),
	};

	unsetenv("COLUMNS");
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
