/* SPDX-License-Identifier: MIT */
/* Tests of master/helper: how helpers are told to leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/conf_load.h"
#include "master/helper/helper.h"

static const char *const listeners[] = { "127.0.0.1:0=exec,command=/bin/cat" };
static const struct conf_source source = { .listeners = (const char **)(uintptr_t)listeners,
					   .listener_count = 1 };

static pid_t fork_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	assert_true(pid > 0);
	return pid;
}

static void expect_death(pid_t pid, int signal)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signal);
}

/* The first signal finds no process. */
static void helper__that_could_not_be_told_to_leave__is_told_again(void **state)
{
	pid_t gone = fork_child(), pid = fork_child();
	struct helper_set set;
	struct conf *conf;
	struct err err;

	(void)state;
	kill(gone, SIGKILL);
	expect_death(gone, SIGKILL);
	conf = conf_load(&source, &err);
	assert_non_null(conf);
	assert_true(helper_set_new(&set, conf, 2));
	assert_int_equal(set.count, 1);
	helper_started(&set.list[0], gone, 0);
	assert_false(helper_set_leave(&set, SIGTERM));
	assert_int_equal(set.list[0].state, HELPER_STARTING);
	set.list[0].pid = pid;
	assert_false(helper_set_leave(&set, SIGTERM));
	assert_int_equal(set.list[0].state, HELPER_LEAVING);
	expect_death(pid, SIGTERM);
	helper_respawn(&set.list[0], 0);
	assert_true(helper_set_leave(&set, SIGTERM));
	helper_set_free(&set);
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(helper__that_could_not_be_told_to_leave__is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
