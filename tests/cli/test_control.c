/* SPDX-License-Identifier: MIT */
/* -s: requests to the running server, and the reports of their outcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/command.h"
#include "config/pidfile.h"
#include "stats/scoreboard.h"
#include "unit/folder.h"

#define GOOD "workers = 2\nlisten \"127.0.0.1:0\" { service = ack backlog = 16 }\n"

static struct said said;

static void start(struct server *server, const char *folder)
{
	const char *arguments[] = { "-c", "s.conf", "-p", "s.pid", NULL };

	folder_write(folder, "s.conf", GOOD);
	command_start(server, folder, arguments);
}

static void stop(struct server *server, const char *folder)
{
	RUN(&said, folder, "-s", "stop", "-p", "s.pid");
	assert_int_equal(said.code, CODE_OK);
	assert_int_equal(command_wait(server), 0);
}

/* "VERB: ok, [N workers, ]N ms" and the rest */
static void assert_ok(const char *begin, const char *rest)
{
	unsigned took;
	int length = 0;

	assert_string_equal(said.err, "");
	assert_int_equal(said.code, CODE_OK);
	assert_int_equal(strncmp(said.out, begin, strlen(begin)), 0);
	assert_int_equal(sscanf(said.out + strlen(begin), "%u ms%n", &took, &length), 1);
	assert_string_equal(said.out + strlen(begin) + length, rest);
}

static void verbs__without_a_server__say_so(void **state)
{
	static const char *const verbs[] = { "stop", "quit", "reload", "reopen" };
	char message[512];

	snprintf(message, sizeof(message),
		 "prefork-srv: no server is running (pid file %s/s.pid)\n", (char *)*state);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		RUN(&said, *state, "-s", verbs[i], "-p", "s.pid");
		assert_string_equal(said.err, message);
		assert_int_equal(said.code, CODE_FAILED);
	}
}

static void verbs__without_a_pid_file__are_refused(void **state)
{
	RUN(&said, *state, "-s", "status", "-p", "none");
	assert_string_equal(said.err,
			    "prefork-srv: -s status: a server that keeps no pid file (-p none) "
			    "cannot be found: signal its master, or ask the service status\n");
	assert_int_equal(said.code, CODE_USAGE);
	folder_write(*state, "n.conf", "pid_file = none\n" GOOD);
	RUN(&said, *state, "-s", "stop", "-c", "n.conf");
	assert_string_equal(
		said.err, "prefork-srv: -s stop: a server that keeps no pid file (pid_file = none) "
			  "cannot be found: signal its master, or ask the service status\n");
	assert_int_equal(said.code, CODE_FAILED);
}

static void verb__with_a_stale_pid_file__signals_nobody(void **state)
{
	char text[32];

	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	folder_write(*state, "s.pid", text);
	RUN(&said, *state, "-s", "stop", "-p", "s.pid");
	assert_non_null(strstr(said.err, "no server is running"));
	assert_int_equal(said.code, CODE_FAILED);
}

static void verb__without_a_pid_file_and_with_a_bad_configuration__says_so(void **state)
{
	const char *folder = *state;

	folder_write(folder, "x.conf", "workers = lots\n");
	command_copy(folder, "prefork-srv");
	/* not as root: root's default pid file may be that of a running server */
	if (geteuid() == 0)
		RUN_WORDS(&said, folder, AS_NOBODY, "env", "XDG_RUNTIME_DIR=.", "./copy", "-s",
			  "reload", "-c", "x.conf");
	else
		RUN_WORDS(&said, folder, "env", "XDG_RUNTIME_DIR=.", "./copy", "-s", "reload", "-c",
			  "x.conf");
	assert_string_equal(
		said.err,
		"prefork-srv: x.conf:1: workers: \"lots\" is not a number (1 to 256, or auto); so "
		"the pid file is not known (-p can name it)\n");
	assert_int_equal(said.code, CODE_FAILED);
}

static void reload__prints_the_outcome(void **state)
{
	struct server server;

	start(&server, *state);
	RUN(&said, *state, "-s", "reopen", "-c", "x.conf", "-p", "s.pid");
	assert_ok("reopen: ok, 2 workers, ", "\n");
	RUN(&said, *state, "-s", "reload", "-p", "s.pid");
	assert_ok("reload: ok, 2 workers, ", ", 0 connections moved\n");
	RUN(&said, *state, "-s", "reload", "-p", "s.pid", "-q");
	assert_string_equal(said.out, "");
	assert_int_equal(said.code, CODE_OK);
	stop(&server, *state);
}

/* A master whose reload moves so many connections. It reports by a byte that it can be asked. */
static _Noreturn void play_master(const char *folder, int report_fd, unsigned moved,
				  unsigned staying)
{
	char path[512];
	struct pidfile file;
	struct scoreboard *board;
	struct err err;
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	snprintf(path, sizeof(path), "%s/m.scoreboard", folder);
	board = scoreboard_new(path, &err);
	snprintf(path, sizeof(path), "%s/m.pid", folder);
	if (board == NULL || !pidfile_open(&file, path, &err) || !pidfile_write(&file, &err) ||
	    write(report_fd, "", 1) != 1 || sigwait(&set, &number) != 0)
		_exit(1);
	scoreboard_begin_request(&board->reload);
	scoreboard_end_request(&board->reload, NULL, 12, 4, moved, staying);
	_exit(0);
}

static void reload__that_moves_connections__prints_how_many(void **state)
{
	static const struct {
		unsigned moved, staying;
		const char *text;
	} rows[] = {
		{ 0, 0, "reload: ok, 4 workers, 12 ms, 0 connections moved\n" },
		{ 1, 1,
		  "reload: ok, 4 workers, 12 ms, 1 connection moved, 1 finishes in an old "
		  "worker\n" },
		{ 9812, 3,
		  "reload: ok, 4 workers, 12 ms, 9,812 connections moved, 3 finish in old "
		  "workers\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ends[2], status;
		char byte;
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			play_master(*state, ends[1], rows[i].moved, rows[i].staying);
		close(ends[1]);
		assert_int_equal(read(ends[0], &byte, 1), 1);
		close(ends[0]);
		RUN(&said, *state, "-s", "reload", "-p", "m.pid");
		assert_string_equal(said.err, "");
		assert_string_equal(said.out, rows[i].text);
		assert_int_equal(said.code, CODE_OK);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void reload__of_a_bad_configuration__prints_why_and_fails(void **state)
{
	struct server server;

	start(&server, *state);
	folder_write(*state, "s.conf", GOOD "backlgo = 3\n");
	RUN(&said, *state, "-s", "reload", "-c", "s.conf", "-p", "s.pid");
	assert_string_equal(
		said.err,
		"prefork-srv: s.conf:3: backlgo: unknown option (did you mean backlog?)\n");
	assert_string_equal(said.out, "");
	assert_int_equal(said.code, CODE_FAILED);
	stop(&server, *state);
}

static void quit__waits_for_the_end(void **state)
{
	struct server server;

	start(&server, *state);
	RUN(&said, *state, "-s", "quit", "-p", "s.pid");
	assert_ok("quit: ok, ", "\n");
	assert_int_equal(command_wait(&server), 0);
	RUN(&said, *state, "-s", "quit", "-p", "s.pid");
	assert_int_equal(said.code, CODE_FAILED);
}

static void quit__with_lame_duck__waits_for_both(void **state)
{
	const char *arguments[] = { "-c", "s.conf", "-p", "s.pid", "-o", "lame_duck=300ms", NULL };
	struct server server;
	unsigned took;

	folder_write(*state, "s.conf", GOOD);
	command_start(&server, *state, arguments);
	RUN(&said, *state, "-s", "quit", "-p", "s.pid");
	assert_ok("quit: ok, ", "\n");
	assert_int_equal(sscanf(said.out, "quit: ok, %u ms", &took), 1);
	assert_true(took >= 300);
	assert_int_equal(command_wait(&server), 0);
}

static void reload__in_lame_duck__is_refused(void **state)
{
	const char *arguments[] = { "-c", "s.conf", "-p", "s.pid", "-o", "lame_duck=10m", NULL };
	struct server server;

	folder_write(*state, "s.conf", GOOD);
	command_start(&server, *state, arguments);
	assert_int_equal(kill(server.pid, SIGTERM), 0);
	RUN(&said, *state, "-s", "reload", "-p", "s.pid");
	assert_string_equal(said.err, "prefork-srv: the server was told to stop\n");
	assert_string_equal(said.out, "");
	assert_int_equal(said.code, CODE_FAILED);
	stop(&server, *state);
}

/* True when the signal is pending, as it is from the moment the -s process has sent it. */
static bool is_pending(pid_t pid, int number)
{
	unsigned long long pending = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "ShdPnd: %llx", &pending) == 1)
			break;
	fclose(file);
	return (pending >> (number - 1) & 1) != 0;
}

/* A stopped master cannot answer, so the -s process still waits when the master is killed. */
static void kill_asked(const char *folder, const char *verb, int number, const char *message)
{
	struct server server;
	pid_t asker;
	int status;

	start(&server, folder);
	assert_int_equal(kill(server.pid, SIGSTOP), 0);
	asker = fork();
	assert_true(asker >= 0);
	if (asker == 0) {
		RUN(&said, folder, "-s", verb, "-p", "s.pid");
		_exit(said.code == CODE_FAILED && strstr(said.err, message) ? 0 : 1);
	}
	while (!is_pending(server.pid, number))
		sched_yield();
	assert_int_equal(kill(server.pid, SIGKILL), 0);
	assert_int_equal(command_wait(&server), -1);
	assert_int_equal(waitpid(asker, &status, 0), asker);
	assert_int_equal(status, 0);
}

static void reload__while_the_server_dies__says_so(void **state)
{
	kill_asked(*state, "reload", SIGHUP, "died before it was done");
}

static void quit__while_the_server_dies__says_so(void **state)
{
	kill_asked(*state, "quit", SIGQUIT, "died before it had stopped in order");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbs__without_a_server__say_so),
		cmocka_unit_test(verbs__without_a_pid_file__are_refused),
		cmocka_unit_test(verb__with_a_stale_pid_file__signals_nobody),
		cmocka_unit_test(verb__without_a_pid_file_and_with_a_bad_configuration__says_so),
		cmocka_unit_test(reload__prints_the_outcome),
		cmocka_unit_test(reload__that_moves_connections__prints_how_many),
		cmocka_unit_test(reload__of_a_bad_configuration__prints_why_and_fails),
		cmocka_unit_test(quit__waits_for_the_end),
		cmocka_unit_test(quit__with_lame_duck__waits_for_both),
		cmocka_unit_test(reload__in_lame_duck__is_refused),
		cmocka_unit_test(reload__while_the_server_dies__says_so),
		cmocka_unit_test(quit__while_the_server_dies__says_so),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
