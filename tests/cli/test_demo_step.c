/* SPDX-License-Identifier: MIT */
/* Tests of prefork-demo --step, on a terminal and without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/pty.h"
#include "unit/folder.h"
#include "unit/island.h"

#define PROMPT "-- any key goes on, q quits --"
#define SCENES 6

enum { ROWS = 24, COLUMNS = 80 };

static struct pty pty;

/* Starts the demo on the terminal and waits for its first prompt. */
static void start(const char *folder, const char *first, const char *second)
{
	char *server = getenv("PREFORK_SRV"), path[4096];

	snprintf(path, sizeof(path), "%s/prefork-demo", getenv("TOP_BUILDDIR"));
	setenv("PREFORK_SRV", path, 1);
	pty_start(&pty, folder, ROWS, COLUMNS,
		  (const char *const[]){ "--step", first, second, NULL });
	setenv("PREFORK_SRV", server, 1);
	pty_expect(&pty, PROMPT);
}

static void assert_exited(int code)
{
	int status = pty_wait(&pty);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
	assert_true(pty_is_restored(&pty));
	pty_end(&pty);
}

/* The next scene comes after a key, and not before. */
static void step__waits_for_a_key_after_each_scene(void **state)
{
	char heading[] = "(a) ";

	start(*state, "short-recv", NULL);
	for (int scene = 1; scene < SCENES; scene++) {
		assert_non_null(strstr(pty.text, heading));
		heading[1]++;
		assert_null(strstr(pty.text, heading));
		pty_forget(&pty);
		pty_type(&pty, scene % 2 != 0 ? " " : "\033[B");
		pty_expect(&pty, scene + 1 < SCENES ? PROMPT : " claims held");
	}
	assert_exited(CODE_OK);
}

static void step__between_two_lessons__waits_too(void **state)
{
	start(*state, "short-recv", "short-send");
	for (int scene = 1; scene < SCENES; scene++) {
		pty_forget(&pty);
		pty_type(&pty, "\n");
		pty_expect(&pty, PROMPT);
	}
	assert_non_null(strstr(pty.text, " claims held"));
	assert_null(strstr(pty.text, "short-send"));
	pty_type(&pty, "q");
	assert_exited(CODE_OK);
	assert_null(strstr(pty.text, "all 2 lessons"));
}

static void q__ends_the_lesson_with_what_was_checked(void **state)
{
	start(*state, "short-recv", "short-send");
	pty_type(&pty, "q");
	pty_expect(&pty, " claims held");
	assert_exited(CODE_OK);
	assert_null(strstr(pty.text, "(b) "));
	assert_null(strstr(pty.text, "short-send"));
}

static void interrupt__at_a_prompt__leaves_the_terminal_as_it_was(void **state)
{
	static const char *const keys[] = { "\003", "\034" };
	static const int numbers[] = { SIGINT, SIGQUIT };

	for (size_t i = 0; i < 2; i++) {
		int status;

		start(*state, "short-recv", NULL);
		assert_false(pty_is_restored(&pty));
		pty_type(&pty, keys[i]);
		status = pty_wait(&pty);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), numbers[i]);
		assert_true(pty_is_restored(&pty));
		pty_end(&pty);
	}
}

static void stopped__at_a_prompt__gives_the_terminal_back_and_goes_on(void **state)
{
	int status;

	start(*state, "short-recv", NULL);
	pty_type(&pty, "\032");
	status = pty_wait(&pty);
	assert_true(WIFSTOPPED(status));
	assert_true(pty_is_restored(&pty));
	pty_forget(&pty);
	pty_go_on(&pty);
	pty_type(&pty, " ");
	pty_expect(&pty, PROMPT);
	pty_type(&pty, "q");
	assert_exited(CODE_OK);
}

static void step__without_a_terminal__is_refused(void **state)
{
	static struct said said;

	RUN_WORDS(&said, *state, "prefork-demo", "ports", "--step");
	assert_int_equal(said.code, CODE_USAGE);
	assert_string_equal(said.out, "");
	assert_string_equal(said.err, "prefork-demo: --step: needs a terminal on stdin and stdout, "
				      "to wait for a key\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(step__waits_for_a_key_after_each_scene),
		cmocka_unit_test(step__between_two_lessons__waits_too),
		cmocka_unit_test(q__ends_the_lesson_with_what_was_checked),
		cmocka_unit_test(interrupt__at_a_prompt__leaves_the_terminal_as_it_was),
		cmocka_unit_test(stopped__at_a_prompt__gives_the_terminal_back_and_goes_on),
		cmocka_unit_test(step__without_a_terminal__is_refused),
	};

	island_enter();
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
