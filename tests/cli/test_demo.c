/* SPDX-License-Identifier: MIT */
/* Tests of prefork-demo as its users run it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "unit/folder.h"
#include "unit/island.h"
#include "unit/sandbox.h"

enum { COLUMNS = 80, CLAIMS_LEAST = 3 };

static const struct {
	const char *name, *sentence;
} rows[] = {
#define LESSON(name, function, sentence) { name, sentence },
#include "tables/lessons.def"
};
enum { LESSONS = sizeof(rows) / sizeof(rows[0]) };

static struct said said; /* of the last run */

/*
 * Compares regardless of where lines are filled: blanks in a row and line ends count as one blank.
 */
static void assert_said(const char *text, const char *wanted)
{
	static char words[sizeof(said.out)];
	size_t n = 0;

	for (const char *at = text; *at != '\0'; at++) {
		char c = *at == '\n' ? ' ' : *at;

		if (c != ' ' || n == 0 || words[n - 1] != ' ')
			words[n++] = c;
	}
	words[n] = '\0';
	if (strstr(words, wanted) == NULL)
		fail_msg("\"%s\" is not in:\n%s%s", wanted, said.out, said.err);
}

/* Asserts that every line fits a terminal of 80 columns and is printable ASCII. */
static void assert_plain(const char *text)
{
	size_t column = 0;

	for (const char *at = text; *at != '\0'; at++) {
		if ((*at < ' ' || *at > '~') && *at != '\n')
			fail_msg("a byte %02x in:\n%s", (unsigned char)*at, text);
		column = *at == '\n' ? 0 : column + 1;
		if (column > COLUMNS)
			fail_msg("a line of more than %d columns in:\n%s", COLUMNS, text);
	}
}

static void assert_all_held(void)
{
	const char *sum = strstr(said.out, "claims held");
	unsigned held = 0, all = 0;

	if (command_is_crowded(&said))
		skip();
	if (said.code != 0 || sum == NULL)
		fail_msg("exit code %d:\n%s%s", said.code, said.out, said.err);
	while (sum > said.out && sum[-1] != '\n')
		sum--;
	assert_int_equal(sscanf(sum, "%u of %u claims held\n", &held, &all), 2);
	assert_true(held == all && held >= CLAIMS_LEAST);
	assert_string_equal(said.err, "");
	assert_plain(said.out);
}

/* Runs one lesson; *state is the folder. */
static void run_lesson(void **state, const char *lesson)
{
	RUN_WORDS(&said, *state, "prefork-demo", lesson);
	assert_all_held();
}

#define LESSON(name, function, sentence)                                      \
	static void lesson_##function##__run__every_claim_holds(void **state) \
	{                                                                     \
		run_lesson(state, name);                                      \
	}
#include "tables/lessons.def"

/*
 * A bar below a process means that it holds the socket; a dot, that it does not or no longer does.
 */
static void drawing__a_dot_without_the_socket(void **state)
{
	run_lesson(state, "close-vs-shutdown");
	assert_said(said.out,
		    "connect() = 0 ---- SYN ---> accept() = 5 . . | fork() three times | ");
	assert_said(said.out, " | . killed (SIGKILL) recv() = ECONNRESET <--- RST ---- . . ok ");
	run_lesson(state, "reset");
	assert_said(said.out,
		    " close() = 0 ---- FIN ---> | . recv() loop = 8 . recv() = 0 . close() ");
	assert_said(said.out, " recv() = 6 \"answer\" . recv() = ECONNRESET . ok ");
	run_lesson(state, "handshake");
	assert_said(said.out, " recv() = 0 ---- ACK ---> . kernel: client's end TIME_WAIT");
}

/* The connection is open while no process has it. */
static void drawing__a_connection_in_flight(void **state)
{
	run_lesson(state, "passing");
	assert_said(said.out, "close() = 0 . kernel: 0 processes hold the socket");
	assert_said(said.out, "recv() = EAGAIN . . kernel: client's end ESTABLISHED, server's end "
			      "ESTABLISHED ok no process has the connection");
	assert_said(said.out, "ok the receiver has \"page\" of \"GET /page\"");
	assert_said(said.out, "the receiver has \"GET /page\"");
}

/* A loop with a single round would not show its purpose. */
static void drawing__the_loop_of_send_goes_round(void **state)
{
	unsigned count = 0;
	const char *at;

	run_lesson(state, "short-send");
	at = strstr(said.out, "send(rest) ");
	while (at != NULL && sscanf(at, "send(rest) %u times", &count) != 1)
		at = strstr(at + 1, "send(rest) ");
	assert_true(count > 1);
}

/* The calls of a proxy name their side; its bar ends with the last of its two sockets. */
static void drawing__a_proxy_with_two_sides(void **state)
{
	run_lesson(state, "proxy");
	assert_said(said.out, "getsockname() getpeername() client 127.0.0.1:");
	assert_said(said.out, " send() = 3 --- \"ask\" --> | | | recv(client) = 3 \"ask\" ");
	assert_said(said.out,
		    " close(server) = 0 | | <--- FIN ---- close(client) = 0 | | . recv() ");
	assert_said(said.out, " recv(server) = ECONNRESET | SO_LINGER on, 0 s . | <--- RST ---- ");
}

static void no_words__list_and_advice(void **state)
{
	RUN_WORDS(&said, *state, "prefork-demo");
	assert_int_equal(said.code, 0);
	for (int i = 0; i < LESSONS; i++) {
		assert_said(said.out, rows[i].name);
		assert_said(said.out, rows[i].sentence);
	}
	assert_said(said.out, "Begin with: prefork-demo close-vs-shutdown");
	assert_plain(said.out);
}

static void list__has_a_line_for_each_lesson(void **state)
{
	const char *line;

	RUN_WORDS(&said, *state, "prefork-demo", "list");
	assert_int_equal(said.code, 0);
	line = said.out;
	for (int i = 0; i < LESSONS; i++) {
		assert_non_null(line);
		assert_memory_equal(line + 2, rows[i].name, strlen(rows[i].name));
		line = strchr(line, '\n') + 1;
	}
	assert_string_equal(line, "");
}

static void unknown_lesson__list_and_64(void **state)
{
	RUN_WORDS(&said, *state, "prefork-demo", "close-vs-shutdwn");
	assert_int_equal(said.code, 64);
	assert_string_equal(said.err, "prefork-demo: \"close-vs-shutdwn\": there is no such lesson "
				      "(did you mean close-vs-shutdown?)\n");
	assert_said(said.out, rows[LESSONS - 1].name);
	/* no lesson runs before all arguments are checked */
	RUN_WORDS(&said, *state, "prefork-demo", "reset", "\x1b[31m");
	assert_int_equal(said.code, 64);
	assert_null(strstr(said.out, "claims"));
	assert_null(strchr(said.err, '\x1b'));
}

static void flags__help_and_version_and_unknown(void **state)
{
	unsigned lines = 0;

	RUN_WORDS(&said, *state, "prefork-demo", "-h");
	assert_int_equal(said.code, 0);
	for (const char *at = said.out; *at != '\0'; at++)
		lines += *at == '\n';
	assert_true(lines <= 24);
	assert_plain(said.out);
	RUN_WORDS(&said, *state, "prefork-demo", "--version");
	assert_string_equal(said.out, "prefork-demo " PACKAGE_VERSION "\n");
	RUN_WORDS(&said, *state, "prefork-demo", "-z");
	assert_int_equal(said.code, 64);
	assert_string_equal(said.err, "prefork-demo: \"-z\": unknown flag (-h lists them)\n");
	RUN_WORDS(&said, *state, "prefork-demo", "ports", "reset", "-h");
	assert_int_equal(said.code, 0);
	assert_said(said.out, "usage: prefork-demo");
	assert_null(strstr(said.out, "claims"));
	RUN_WORDS(&said, *state, "prefork-demo", "ports", "-z");
	assert_int_equal(said.code, 64);
	assert_null(strstr(said.out, "claims"));
}

static void several_lessons__a_sum_of_all(void **state)
{
	RUN_WORDS(&said, *state, "prefork-demo", "ports", "reset");
	assert_int_equal(said.code, 0);
	assert_said(said.out, " all 2 lessons: ");
}

static void as_nobody__every_claim_holds(void **state)
{
	if (geteuid() != 0) {
		for (int i = 0; i < LESSONS; i++)
			run_lesson(state, rows[i].name); /* already an ordinary user */
		return;
	}
	command_copy(*state, "prefork-demo");
	for (int i = 0; i < LESSONS; i++) {
		RUN_WORDS(&said, *state, AS_NOBODY, "./copy", rows[i].name);
		assert_all_held();
	}
}

/* Loopback is down in a new namespace: each lesson makes one of its own, where loopback is up. */
static void in_a_new_network_namespace__every_claim_holds(void **state)
{
	RUN_WORDS(&said, *state, "unshare", "-rn", "true");
	if (said.code != 0)
		skip(); /* many containers forbid it even to root */
	command_copy(*state, "prefork-demo");
	for (int i = 0; i < LESSONS; i++) {
		RUN_WORDS(&said, *state, "unshare", "-rn", "./copy", rows[i].name);
		assert_all_held();
	}
}

static void on_forbidden_ground__not_checkable_and_77(void **state)
{
	char sum[80];

	if (geteuid() != 0)
		skip(); /* only root can make the namespace and then drop its privileges in it */
	RUN_WORDS(&said, *state, "unshare", "-n", "true");
	if (said.code != 0)
		skip();
	command_copy(*state, "prefork-demo");
	snprintf(sum, sizeof(sum), "0 of %d claims held, %d could not be checked here", LESSONS,
		 LESSONS);
	RUN_WORDS(&said, *state, "unshare", "-n", AS_NOBODY, "./copy", "all");
	assert_int_equal(said.code, 77);
	assert_said(said.out, "not checkable here: loopback is down");
	assert_said(said.out, sum);
	assert_null(strstr(said.out, "  ok "));
	assert_null(strstr(said.out, "BROKEN"));
}

/* Runs all lessons with one system call forbidden; -1 where no call can be forbidden. */
static int run_in_sandbox(const char *folder, long call, int first)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (!sandbox_forbid(call, first))
			_exit(255);
		RUN_WORDS(&said, folder, "prefork-demo", "all");
		_exit(said.code);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	command_recall(&said, folder);
	said.code = WEXITSTATUS(status);
	return said.code == 255 ? -1 : said.code;
}

static void without_netlink__every_claim_holds(void **state)
{
	if (run_in_sandbox(*state, SYS_socket, AF_NETLINK) < 0)
		skip();
	assert_all_held();
}

/* A claim that needs the forbidden call is neither held nor broken; the other claims are held. */
static void without_a_call__not_checkable_and_77(void **state)
{
	static const struct {
		long call;
		const char *name;
	} forbidden[] = { { SYS_shutdown, "shutdown" },
			  { SYS_listen, "listen()" },
			  { SYS_sendmsg, "sendmsg()" },
			  { SYS_recvmsg, "recvmsg()" } };

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		char why[64];
		int code = run_in_sandbox(*state, forbidden[i].call, SANDBOX_ANY);

		if (code < 0)
			skip();
		snprintf(why, sizeof(why), "not checkable here: %s", forbidden[i].name);
		assert_int_equal(code, 77);
		assert_said(said.out, why);
		assert_said(said.out, "Operation not permitted");
		assert_null(strstr(said.out, "BROKEN"));
	}
}

static void full_disk__71(void **state)
{
	char command[600];

	snprintf(command, sizeof(command), "exec %s/prefork-demo ports > /dev/full",
		 getenv("TOP_BUILDDIR"));
	RUN_WORDS(&said, *state, "sh", "-c", command);
	assert_int_equal(said.code, 71);
	assert_said(said.err, "cannot write to stdout: No space left on device");
}

/* Reaps until no process is left; this process is the reaper of all orphans. */
static void assert_nothing_is_left(void)
{
	alarm(30);
	while (waitpid(-1, NULL, 0) > 0)
		;
	alarm(0);
}

static void killed_in_the_middle__leaves_no_process(void **state)
{
	char path[512], byte;
	int output[2];
	pid_t pid;

	(void)state;
	snprintf(path, sizeof(path), "%s/prefork-demo", getenv("TOP_BUILDDIR"));
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(output[1], STDOUT_FILENO);
		execl(path, "prefork-demo", rows[0].name, NULL);
		_exit(127);
	}
	close(output[1]);
	/* after the first byte of the first drawing the processes exist or are about to */
	for (unsigned lines = 0; lines < 9; lines += byte == '\n')
		assert_int_equal(read(output[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_nothing_is_left();
	close(output[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LESSON(name, function, sentence) \
	cmocka_unit_test(lesson_##function##__run__every_claim_holds),
#include "tables/lessons.def"
		cmocka_unit_test(drawing__a_dot_without_the_socket),
		cmocka_unit_test(drawing__a_connection_in_flight),
		cmocka_unit_test(drawing__the_loop_of_send_goes_round),
		cmocka_unit_test(drawing__a_proxy_with_two_sides),
		cmocka_unit_test(no_words__list_and_advice),
		cmocka_unit_test(list__has_a_line_for_each_lesson),
		cmocka_unit_test(unknown_lesson__list_and_64),
		cmocka_unit_test(flags__help_and_version_and_unknown),
		cmocka_unit_test(several_lessons__a_sum_of_all),
		cmocka_unit_test(as_nobody__every_claim_holds),
		cmocka_unit_test(in_a_new_network_namespace__every_claim_holds),
		cmocka_unit_test(on_forbidden_ground__not_checkable_and_77),
		cmocka_unit_test(without_netlink__every_claim_holds),
		cmocka_unit_test(without_a_call__not_checkable_and_77),
		cmocka_unit_test(full_disk__71),
		cmocka_unit_test(killed_in_the_middle__leaves_no_process),
	};

	island_enter();
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
