/* SPDX-License-Identifier: MIT */
/* -s status --watch on a terminal: the frames it draws, and the terminal it restores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "cli/command.h"
#include "cli/pty.h"
#include "unit/folder.h"

#define CONF  "workers = 2\nlisten \"127.0.0.1:0\" { service = ack }\n"
#define HOME  "\033[H"
#define TAKE  "\033[?1049h"
#define LEAVE "\033[?1049l"

enum { PATIENCE_MS = 30000 };

static const char *const watching[] = { "-s", "status", "--watch", "-p", "s.pid", NULL };

static struct said said;
static struct server server;
static struct pty pty;

static int start_server(void **state)
{
	const char *arguments[] = { "-c", "s.conf", "-p", "s.pid", NULL };

	if (folder_make(state) != 0)
		return -1;
	folder_write(*state, "s.conf", CONF);
	command_start(&server, *state, arguments);
	return 0;
}

static int stop_server(void **state)
{
	RUN(&said, *state, "-s", "stop", "-p", "s.pid");
	assert_int_equal(said.code, CODE_OK);
	assert_int_equal(command_wait(&server), 0);
	return folder_remove(state);
}

static void start(void **state, unsigned rows, unsigned columns)
{
	pty_start(&pty, *state, rows, columns, watching);
	pty_expect(&pty, " q quits");
}

/* Asserts that the last switch between the two screens was back to the normal one. */
static void assert_left(void)
{
	const char *taken = NULL, *left = NULL;

	for (const char *t = pty.text; (t = strstr(t, TAKE)) != NULL; t++)
		taken = t;
	for (const char *t = pty.text; (t = strstr(t, LEAVE)) != NULL; t++)
		left = t;
	assert_non_null(left);
	assert_true(taken == NULL || taken < left);
	assert_non_null(strstr(pty.text, "\033[?25h"));
	assert_true(pty_is_restored(&pty));
}

/* Returns a whole frame that arrives from now on, though it may have been drawn shortly before. */
static const char *next_frame(void)
{
	pty_type(&pty, "  ");
	return pty_between(&pty, HOME);
}

/* Returns the columns of the widest line; *rows gets the number of lines. */
static unsigned measure(const char *frame, unsigned *rows)
{
	unsigned widest = 0, columns = 0;

	for (*rows = 1; *frame != '\0'; frame++) {
		if (frame[0] == '\033' && frame[1] == '[') {
			frame += 2 + strcspn(frame + 2, "HJKm");
		} else if (*frame == '\n') {
			++*rows;
			columns = 0;
		} else if (*frame != '\r' && ((unsigned char)*frame & 0xc0) != 0x80) {
			columns++;
		}
		if (columns > widest)
			widest = columns;
	}
	return widest;
}

/* Reads frames until one has that size; fails when none does. */
static void expect_size(unsigned rows, unsigned columns)
{
	unsigned seen_rows = 0, seen_columns = 0;

	for (int64_t end_ms = clock_ms() + PATIENCE_MS; clock_ms() < end_ms;) {
		seen_columns = measure(next_frame(), &seen_rows);
		if (seen_rows == rows && seen_columns <= columns && seen_columns > columns / 2)
			return;
	}
	fail_msg("the frame has %u rows and %u columns instead of %u and %u", seen_rows,
		 seen_columns, rows, columns);
}

static void expect_frame_with(const char *text)
{
	for (int64_t end_ms = clock_ms() + PATIENCE_MS; clock_ms() < end_ms;)
		if (strstr(next_frame(), text) != NULL)
			return;
	fail_msg("no frame has: %s", text);
}

/* Ends the program by keys or a signal, and checks the terminal after it. */
static int end_by(const char *keys, int number)
{
	int status;

	if (keys != NULL)
		pty_type(&pty, keys);
	else
		assert_int_equal(kill(pty.job, number), 0);
	status = pty_wait(&pty);
	assert_left();
	pty_end(&pty);
	return status;
}

static void assert_exited(int status)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CODE_OK);
}

static void watch__fills_the_terminal_and_follows_its_size(void **state)
{
	start(state, 24, 80);
	expect_frame_with("2 of 2 ready");
	expect_size(24, 80);
	pty_resize(&pty, 50, 200);
	expect_size(50, 200);
	pty_resize(&pty, 5, 30);
	expect_size(5, 30);
	pty_resize(&pty, 1, 1);
	expect_size(1, 1);
	pty_resize(&pty, 24, 80);
	expect_size(24, 80);
	assert_false(pty_is_restored(&pty));
	assert_exited(end_by("q", 0));
}

static void watch__scrolls_and_says_how_much_is_below(void **state)
{
	start(state, 6, 80);
	expect_frame_with("more below");
	assert_non_null(strstr(next_frame(), "prefork-srv"));
	pty_type(&pty, "G");
	expect_frame_with("0 more below");
	assert_null(strstr(next_frame(), "prefork-srv "));
	pty_type(&pty, "\033[H");
	expect_frame_with("lines 1-5");
	pty_type(&pty, "\033[B\033OBj");
	expect_frame_with("lines 4-8");
	pty_type(&pty, "\033[A");
	expect_frame_with("lines 3-7");
	assert_exited(end_by("q", 0));
}

static void watch__by_ctrl_c__ends_well(void **state)
{
	start(state, 24, 80);
	assert_exited(end_by("\003", 0));
}

static void watch__by_a_signal__dies_of_it_with_the_terminal_restored(void **state)
{
	static const int numbers[] = { SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGALRM };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int status;

		start(state, 24, 80);
		status = end_by(NULL, numbers[i]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), numbers[i]);
	}
}

static void watch__by_ctrl_z__restores_the_terminal_and_takes_it_again(void **state)
{
	int status;

	start(state, 24, 80);
	for (int i = 0; i < 2; i++) {
		pty_forget(&pty);
		pty_type(&pty, "\032");
		status = pty_wait(&pty);
		assert_true(WIFSTOPPED(status));
		assert_int_equal(WSTOPSIG(status), SIGTSTP);
		assert_left();
		pty_forget(&pty);
		pty_go_on(&pty);
		pty_expect(&pty, TAKE);
		expect_size(24, 80);
		assert_false(pty_is_restored(&pty));
	}
	assert_exited(end_by("q", 0));
}

/* The state letter of proc(5). */
static char state_of(pid_t pid)
{
	char path[64], line[512] = "";
	const char *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	end = strrchr(line, ')');
	assert_non_null(end);
	return end[2];
}

/* A program that waits for the terminal must still act on signals. */
static void watch__in_the_background__dies_of_a_signal(void **state)
{
	int64_t end_ms = clock_ms() + PATIENCE_MS;
	int status;

	start(state, 24, 80);
	pty_type(&pty, "\032");
	status = pty_wait(&pty);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(kill(pty.job, SIGTERM), 0);
	assert_int_equal(kill(pty.job, SIGCONT), 0);
	while (state_of(pty.job) != 'Z' && clock_ms() < end_ms)
		sched_yield();
	assert_int_equal(state_of(pty.job), 'Z');
	pty_go_on(&pty);
	status = pty_wait(&pty);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_left();
	pty_end(&pty);
}

/* A shell that finds its job stopped restores the terminal's modes for itself. */
static void watch__after_sigstop__takes_the_terminal_again(void **state)
{
	int status;

	start(state, 24, 80);
	assert_int_equal(kill(pty.job, SIGSTOP), 0);
	status = pty_wait(&pty);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(tcsetattr(pty.slave, TCSANOW, &pty.before), 0);
	pty_forget(&pty);
	pty_go_on(&pty);
	pty_expect(&pty, TAKE);
	expect_size(24, 80);
	assert_false(pty_is_restored(&pty));
	assert_exited(end_by("q", 0));
}

static void watch__when_the_server_goes__says_so_and_shows_the_next(void **state)
{
	const char *arguments[] = { "-c", "s.conf", "-p", "s.pid", "-w", "1", NULL };

	start(state, 24, 80);
	RUN(&said, *state, "-s", "stop", "-p", "s.pid");
	assert_int_equal(command_wait(&server), 0);
	expect_frame_with("no server is running");
	command_start(&server, *state, arguments);
	expect_frame_with("1 of 1 ready");
	assert_exited(end_by("q", 0));
}

static void watch__when_the_server_is_killed__shows_what_is_left(void **state)
{
	const char *arguments[] = { "-c", "s.conf", "-p", "s.pid", NULL };

	start(state, 24, 80);
	assert_int_equal(kill(server.pid, SIGKILL), 0);
	assert_int_equal(command_wait(&server), -1);
	expect_frame_with("DEAD");
	command_start(&server, *state, arguments);
	expect_frame_with("serving");
	assert_exited(end_by("q", 0));
}

static void watch__without_colour__has_none(void **state)
{
	setenv("NO_COLOR", "1", 1);
	start(state, 24, 80);
	for (const char *t = next_frame(); (t = strstr(t, "\033[")) != NULL; t += 2)
		assert_int_not_equal(t[2 + strspn(t + 2, "0123456789;?")], 'm');
	assert_exited(end_by("q", 0));
	unsetenv("NO_COLOR");
}

static void watch__on_a_dumb_terminal__is_refused(void **state)
{
	int status;

	setenv("TERM", "dumb", 1);
	pty_start(&pty, *state, 24, 80, watching);
	pty_expect(&pty, "--watch: this terminal cannot be written all over (TERM is dumb)");
	status = pty_wait(&pty);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CODE_USAGE);
	assert_null(strstr(pty.text, TAKE));
	pty_end(&pty);
	setenv("TERM", "xterm", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watch__fills_the_terminal_and_follows_its_size),
		cmocka_unit_test(watch__scrolls_and_says_how_much_is_below),
		cmocka_unit_test(watch__by_ctrl_c__ends_well),
		cmocka_unit_test(watch__by_a_signal__dies_of_it_with_the_terminal_restored),
		cmocka_unit_test(watch__by_ctrl_z__restores_the_terminal_and_takes_it_again),
		cmocka_unit_test(watch__in_the_background__dies_of_a_signal),
		cmocka_unit_test(watch__after_sigstop__takes_the_terminal_again),
		cmocka_unit_test(watch__when_the_server_goes__says_so_and_shows_the_next),
		cmocka_unit_test(watch__when_the_server_is_killed__shows_what_is_left),
		cmocka_unit_test(watch__without_colour__has_none),
		cmocka_unit_test(watch__on_a_dumb_terminal__is_refused),
	};

	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
