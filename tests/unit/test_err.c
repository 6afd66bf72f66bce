/* SPDX-License-Identifier: MIT */
/* Tests of base/err: sentences, codes, cutting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

static void err_set__fills_sentence_and_code_and_keeps_errno(void **state)
{
	struct err err;

	(void)state;
	errno = ENOENT;
	assert_false(err_set(&err, CODE_CONFIG, "%s: %d is too many", "workers", 300));
	assert_string_equal(err.text, "workers: 300 is too many");
	assert_int_equal(err.code, CODE_CONFIG);
	assert_int_equal(errno, ENOENT);
}

static void err_set__with_its_own_text_as_argument__wraps_it(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, CODE_CONFIG, "inner");
	err_set(&err, CODE_OSERR, "outer (%s)", err.text);
	assert_string_equal(err.text, "outer (inner)");
	assert_int_equal(err.code, CODE_OSERR);
}

static void err_set__with_control_characters__stays_one_line(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, CODE_CONFIG, "a\nb\tc\x1b[31m");
	assert_string_equal(err.text, "a b c [31m");
}

static void err_set__too_long__is_cut_between_characters(void **state)
{
	char many[2049];
	struct err err;
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(many) - 1; i += 2)
		memcpy(many + i, "\xc3\xa4", 2);
	many[sizeof(many) - 1] = '\0';
	err_set(&err, CODE_CONFIG, "%s", many);
	length = strlen(err.text);
	assert_in_range(length, 1000, sizeof(err.text) - 1);
	assert_int_equal(length % 2, 0);
	assert_memory_equal(err.text, many, length);
}

static void err_errno__adds_the_reason(void **state)
{
	struct err err;

	(void)state;
	errno = EADDRINUSE;
	assert_false(err_errno(&err, CODE_UNAVAILABLE, "cannot bind %s", "x"));
	assert_string_equal(err.text, "cannot bind x: Address already in use");
	assert_int_equal(errno, EADDRINUSE);
}

static void err_prefix__goes_before_and_keeps_the_code(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, CODE_NOPERM, "cannot bind");
	assert_false(err_prefix(&err, "%s:%d: ", "x.conf", 12));
	assert_string_equal(err.text, "x.conf:12: cannot bind");
	assert_int_equal(err.code, CODE_NOPERM);
}

static void err_code__tells_permission_from_the_rest(void **state)
{
	(void)state;
	assert_int_equal(err_code(EACCES, CODE_OSERR), CODE_NOPERM);
	assert_int_equal(err_code(EPERM, CODE_OSERR), CODE_NOPERM);
	assert_int_equal(err_code(ENOENT, CODE_UNAVAILABLE), CODE_UNAVAILABLE);
	assert_int_equal(err_code_of_path(EACCES), CODE_NOPERM);
	assert_int_equal(err_code_of_path(EISDIR), CODE_CONFIG);
	assert_int_equal(err_code_of_path(ENOTDIR), CODE_CONFIG);
	assert_int_equal(err_code_of_path(ENOSPC), CODE_OSERR);
	assert_int_equal(err_code_of_path(EMFILE), CODE_OSERR);
}

static void bug_on__ends_the_process_with_a_message(void **state)
{
	char text[512] = "";
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(fds[1], STDERR_FILENO);
		BUG_ON(fds[0] >= 0);
		_exit(0);
	}
	close(fds[1]);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(text, "fds[0] >= 0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_set__fills_sentence_and_code_and_keeps_errno),
		cmocka_unit_test(err_set__with_its_own_text_as_argument__wraps_it),
		cmocka_unit_test(err_set__with_control_characters__stays_one_line),
		cmocka_unit_test(err_set__too_long__is_cut_between_characters),
		cmocka_unit_test(err_errno__adds_the_reason),
		cmocka_unit_test(err_prefix__goes_before_and_keeps_the_code),
		cmocka_unit_test(err_code__tells_permission_from_the_rest),
		cmocka_unit_test(bug_on__ends_the_process_with_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
