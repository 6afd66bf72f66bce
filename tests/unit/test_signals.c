/* SPDX-License-Identifier: MIT */
/* Tests of core/signals: the rows, blocking, reading, restoring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/signals.h"

static void find__knows_the_rows_and_no_other(void **state)
{
	(void)state;
	assert_string_equal(signals_find(SIGTERM)->name, "TERM");
	assert_int_equal(signals_find(SIGHUP)->master, SIGNAL_RELOAD);
	assert_int_equal(signals_find(SIGHUP)->worker, SIGNAL_IGNORE);
	assert_int_equal(signals_find(SIGCHLD)->master, SIGNAL_REAP);
	assert_null(signals_find(SIGSEGV));
	assert_null(signals_find(0));
}

static void next__gives_each_signal_and_its_sender(void **state)
{
	int32_t sender = -1;
	int fd;

	(void)state;
	signals_block();
	fd = signals_open();
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(signals_next(fd, &sender), 0);
	kill(getpid(), SIGHUP);
	assert_int_equal(signals_next(fd, &sender), SIGHUP);
	assert_int_equal(sender, getpid());
	assert_int_equal(signals_next(fd, NULL), 0);
	close(fd);
}

static void next__of_a_dead_child__names_no_sender(void **state)
{
	int32_t sender = -1;
	int fd, status;
	pid_t pid;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	signals_block();
	fd = signals_open();
	assert_true(fd >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(3);
	/* would fail with ECHILD had the ignored SIGCHLD stayed */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_int_equal(signals_next(fd, &sender), SIGCHLD);
	assert_int_equal(sender, 0);
	close(fd);
}

static void block__leaves_a_broken_pipe_unheard(void **state)
{
	int fds[2], fd;

	(void)state;
	signals_block();
	fd = signals_open();
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	assert_int_equal(write(fds[1], "x", 1), -1);
	assert_int_equal(signals_next(fd, NULL), 0);
	close(fds[1]);
	close(fd);
}

static void restore__gives_defaults_and_an_empty_mask(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	signals_block();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct sigaction action;
		sigset_t mask;

		signals_restore();
		sigprocmask(SIG_BLOCK, NULL, &mask);
		sigaction(SIGPIPE, NULL, &action);
		if (sigismember(&mask, SIGHUP) || action.sa_handler != SIG_DFL)
			_exit(1);
		raise(SIGTERM);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find__knows_the_rows_and_no_other),
		cmocka_unit_test(next__gives_each_signal_and_its_sender),
		cmocka_unit_test(next__of_a_dead_child__names_no_sender),
		cmocka_unit_test(block__leaves_a_broken_pipe_unheard),
		cmocka_unit_test(restore__gives_defaults_and_an_empty_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
