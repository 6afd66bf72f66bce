/* SPDX-License-Identifier: MIT */
/* Tests of base/stdio.c, each in a process of its own: it changes the standard descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stdio.h"
#include "base/sys.h"

/* Runs it in a child, which must return true. */
static void assert_in_child(bool (*holds)(void))
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(holds() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool is_null(int fd)
{
	struct stat null, st;

	return stat("/dev/null", &null) == 0 && fstat(fd, &st) == 0 && st.st_rdev == null.st_rdev;
}

/* Closes standard input and output, and has them opened again. */
static bool fill_closed_ones(bool needs_stdout)
{
	int pipe_fds[2];

	if (pipe2(pipe_fds, O_CLOEXEC) < 0 || dup2(pipe_fds[1], STDERR_FILENO) < 0)
		return false;
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	stdio_fill(needs_stdout);
	return is_null(STDIN_FILENO) && is_null(STDOUT_FILENO) && !is_null(STDERR_FILENO);
}

static bool fills_closed_ones(void)
{
	return fill_closed_ones(false) && write(STDOUT_FILENO, "x", 1) == 1;
}

static bool fills_a_stdout_that_fails(void)
{
	return fill_closed_ones(true) && write(STDOUT_FILENO, "x", 1) < 0 && errno == EBADF;
}

static void fill__opens_what_is_closed_and_nothing_else(void **state)
{
	(void)state;
	assert_in_child(fills_closed_ones);
	assert_in_child(fills_a_stdout_that_fails);
}

static bool tells_of_a_full_disk(void)
{
	struct err err = { .code = CODE_OK };
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (dup2(full, STDOUT_FILENO) < 0)
		return false;
	fputs("text", stdout);
	return !stdio_flush(&err) && err.code == CODE_OSERR &&
	       strcmp(err.text, "cannot write to stdout: No space left on device") == 0;
}

static bool keeps_an_earlier_error(void)
{
	struct err err = { .code = CODE_OK };
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (dup2(full, STDOUT_FILENO) < 0)
		return false;
	fputs("text", stdout);
	err_set(&err, CODE_USAGE, "earlier");
	return stdio_flush(&err) && strcmp(err.text, "earlier") == 0;
}

static bool flushes(void)
{
	struct err err = { .code = CODE_OK };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (dup2(null, STDOUT_FILENO) < 0)
		return false;
	fputs("text", stdout);
	return stdio_flush(&err) && err.text[0] == '\0';
}

static void flush__says_when_output_did_not_arrive(void **state)
{
	(void)state;
	assert_in_child(flushes);
	assert_in_child(tells_of_a_full_disk);
	assert_in_child(keeps_an_earlier_error);
}

static bool has_colour_where_wanted(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		return false;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	if (!stdio_has_colour(slave))
		return false;
	setenv("NO_COLOR", "", 1);
	if (!stdio_has_colour(slave))
		return false;
	setenv("NO_COLOR", "1", 1);
	if (stdio_has_colour(slave))
		return false;
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	if (stdio_has_colour(slave))
		return false;
	unsetenv("TERM");
	return !stdio_has_colour(slave);
}

static bool has_none_in_a_file(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	return !stdio_has_colour(fd);
}

static void colour__is_for_terminals_that_want_it(void **state)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	(void)state;
	assert_in_child(has_none_in_a_file);
	if (terminal < 0)
		skip(); /* no /dev/pts here */
	close(terminal);
	assert_in_child(has_colour_where_wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fill__opens_what_is_closed_and_nothing_else),
		cmocka_unit_test(flush__says_when_output_did_not_arrive),
		cmocka_unit_test(colour__is_for_terminals_that_want_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
