/* SPDX-License-Identifier: MIT */
/* Tests of config/signals: the rows, blocking, reading, restoring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/signals.h"

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
	struct signal_sender sender = { .pid = -1 };
	int fd;

	(void)state;
	signals_block();
	fd = signals_open(false);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(signals_next(fd, &sender), 0);
	kill(getpid(), SIGHUP);
	assert_int_equal(signals_next(fd, &sender), SIGHUP);
	assert_int_equal(sender.pid, getpid());
	assert_int_equal(signals_next(fd, NULL), 0);
	close(fd);
}

static void next__of_a_dead_child__names_no_sender(void **state)
{
	struct signal_sender sender = { .pid = -1 };
	int fd, status;
	pid_t pid;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	signals_block();
	fd = signals_open(false);
	assert_true(fd >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(3);
	/* fails with ECHILD if SIGCHLD is still ignored */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_int_equal(signals_next(fd, &sender), SIGCHLD);
	assert_int_equal(sender.pid, 0);
	close(fd);
}

static void block__leaves_a_broken_pipe_unheard(void **state)
{
	int fds[2], fd;

	(void)state;
	signals_block();
	fd = signals_open(false);
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

		signals_restore(signals_changed());
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

/* A parent may leave any mask and any dispositions. */
static void block__sets_all_anew(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct sigaction action;
		sigset_t mask;

		sigfillset(&mask);
		sigprocmask(SIG_SETMASK, &mask, NULL);
		signal(SIGCHLD, SIG_IGN);
		signal(SIGABRT, SIG_IGN);
		signals_block();
		sigprocmask(SIG_BLOCK, NULL, &mask);
		sigaction(SIGCHLD, NULL, &action);
		if (sigismember(&mask, SIGABRT) || sigismember(&mask, SIGSEGV) ||
		    sigismember(&mask, SIGTSTP) || !sigismember(&mask, SIGTERM) ||
		    !sigismember(&mask, SIGALRM) || action.sa_handler != SIG_DFL)
			_exit(1);
		raise(SIGABRT);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static bool reports_once(int fd, int number)
{
	struct signal_sender sender;

	if (kill(getpid(), number) != 0 || signals_next(fd, &sender) != number ||
	    sender.pid != getpid())
		return false;
	signals_ignore(fd, number);
	return kill(getpid(), number) == 0 && signals_next(fd, NULL) == 0;
}

/* Every number that the kernel knows; 32 and 33 are the C library's own. */
static void block__lets_no_real_time_signal_end_the_process(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = signals_block() ? signals_open(true) : -1;

		for (int number = 32; number <= SIGRTMAX; number++)
			if (!reports_once(fd, number))
				_exit(number);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Each row that the master reports, in a worker or a keeper. */
static void leave_reports__drops_them_but_for_those_with_a_default(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		sigset_t waiting;

		signals_block();
		signals_leave_reports();
		for (unsigned i = 0; i < signal_count; i++)
			if (signal_rows[i].master == SIGNAL_REPORT &&
			    signal_rows[i].worker == SIGNAL_IGNORE)
				raise(signal_rows[i].number);
		raise(SIGRTMIN + 9);
		raise(SIGNAL_KEEPER_START);
		sigpending(&waiting);
		/* SIGALRM waits for the next brief call (base/brief.h) */
		if (!sigismember(&waiting, SIGNAL_KEEPER_START) || sigismember(&waiting, SIGUSR2) ||
		    !sigismember(&waiting, SIGALRM) || sigismember(&waiting, SIGRTMIN + 9))
			_exit(1);
		raise(SIGXCPU);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGXCPU);
}

static void name__is_what_kill_takes(void **state)
{
	char text[SIGNAL_TEXT];

	(void)state;
	assert_string_equal(signals_name(SIGALRM, text), "ALRM");
	assert_string_equal(signals_name(SIGRTMIN + 3, text), "RTMIN+3");
	assert_string_equal(signals_name(32, text), "32");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find__knows_the_rows_and_no_other),
		cmocka_unit_test(next__gives_each_signal_and_its_sender),
		cmocka_unit_test(next__of_a_dead_child__names_no_sender),
		cmocka_unit_test(block__leaves_a_broken_pipe_unheard),
		cmocka_unit_test(block__sets_all_anew),
		cmocka_unit_test(block__lets_no_real_time_signal_end_the_process),
		cmocka_unit_test(leave_reports__drops_them_but_for_those_with_a_default),
		cmocka_unit_test(name__is_what_kill_takes),
		cmocka_unit_test(restore__gives_defaults_and_an_empty_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
