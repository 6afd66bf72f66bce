/* SPDX-License-Identifier: MIT */
/* Tests of demo/process.c: processes that crash, and calls that the system forbids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "demo/process.h"

enum { BOUND_S = 8 }; /* less than a lesson waits for an answer */

static struct claims *claims; /* shared with the lesson's process */
static int failing;           /* errno of run_failure */

static int map_claims(void **state)
{
	(void)state;
	claims = mmap(NULL, sizeof(*claims), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return claims == MAP_FAILED;
}

static int unmap_claims(void **state)
{
	(void)state;
	return munmap(claims, sizeof(*claims));
}

/*
 * Runs the lesson in a process of its own, as prefork-demo does; returns its status (waitpid(2)).
 */
static int run_lesson(void (*lesson)(struct diagram *out))
{
	struct diagram out;
	pid_t pid = fork();
	int status, nowhere;

	assert_true(pid >= 0);
	if (pid == 0) {
		nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(nowhere, STDOUT_FILENO);
		alarm(BOUND_S);
		diagram_init(&out, claims);
		lesson(&out);
		_exit(CODE_OK);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void run_kill_self(struct call *call)
{
	(void)call;
	kill(getpid(), SIGKILL);
}

static void run_exit(struct call *call)
{
	_exit(call->option);
}

static void run_nothing(struct call *call)
{
	call->result = 7;
}

static void run_failure(struct call *call)
{
	call->result = -1;
	errno = failing;
}

static struct call make_call(void (*run)(struct call *call))
{
	return (struct call){ .run = run, .name = "call()" };
}

static void call_process_that_dies(struct diagram *out)
{
	struct process process = process_fork(out, 1, "process");

	process_run(&process, make_call(run_kill_self));
}

static void call_process_that_dies_and_shares(struct diagram *out)
{
	struct process process = process_fork_sharing(out, 1, "process");

	process_run(&process, make_call(run_kill_self));
}

static void await_process_that_dies(struct diagram *out)
{
	struct process process = process_fork(out, 1, "process");

	process_start_call(&process, make_call(run_kill_self));
	process_await_sleep(&process);
}

static void stop_process_that_is_dead(struct diagram *out)
{
	struct process process = process_fork(out, 1, "process");
	siginfo_t info;

	kill(process.pid, SIGKILL);
	waitid(P_PID, (id_t)process.pid, &info, WEXITED | WNOWAIT);
	process_stop(&process);
}

static void process__killed__ends_the_lesson_at_once_and_is_told(void **state)
{
	void (*const lessons[])(struct diagram *
				out) = { call_process_that_dies, call_process_that_dies_and_shares,
					 await_process_that_dies, stop_process_that_is_dead };

	(void)state;
	for (size_t i = 0; i < sizeof(lessons) / sizeof(lessons[0]); i++) {
		int status;

		memset(claims, 0, sizeof(*claims));
		status = run_lesson(lessons[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), CODE_INTERNAL);
		assert_true(WIFSIGNALED(claims->lost_status));
		assert_int_equal(WTERMSIG(claims->lost_status), SIGKILL);
		assert_int_equal(claims->skipped, 0);
	}
}

static void call_process_that_exits(struct diagram *out)
{
	struct process process = process_fork(out, 1, "process");
	struct call leave = make_call(run_exit);

	leave.option = 3;
	process_run(&process, leave);
}

/* As a sanitizer ends a process: by an exit code. */
static void process__exited_with_a_code__ends_the_lesson_and_is_told(void **state)
{
	int status;

	(void)state;
	memset(claims, 0, sizeof(*claims));
	status = run_lesson(call_process_that_exits);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CODE_INTERNAL);
	assert_true(WIFEXITED(claims->lost_status));
	assert_int_equal(WEXITSTATUS(claims->lost_status), 3);
}

static void call_two_processes(struct diagram *out)
{
	struct process one = process_fork(out, 1, "one"), two = process_fork_sharing(out, 2, "two");

	diagram_claim(out, process_run(&one, make_call(run_nothing)).result == 7, "one");
	diagram_claim(out, process_run(&two, make_call(run_nothing)).result == 7, "two");
	process_stop(&one);
	process_kill(&two);
}

static void processes__called_and_stopped__no_loss(void **state)
{
	(void)state;
	memset(claims, 0, sizeof(*claims));
	assert_int_equal(run_lesson(call_two_processes), 0);
	assert_int_equal(claims->held, 2);
	assert_int_equal(claims->lost_status, 0);
}

/* The claim is reached only when the failure may be the subject of a lesson. */
static void run_failing_call(struct diagram *out)
{
	struct process self = process_self(out, 1, "self");

	process_run(&self, make_call(run_failure));
	diagram_claim(out, true, "a claim");
}

static void call__failing_by_the_systems_fault__not_checkable(void **state)
{
	static const int faults[] = { EPERM,  ENOSYS, ENOPROTOOPT, EAFNOSUPPORT,
				      ENOMEM, EMFILE, ENFILE,      ENOBUFS };
	static const int themes[] = { EACCES, EADDRINUSE, EAGAIN,     ECONNREFUSED,
				      EINVAL, EPIPE,      ECONNRESET, EADDRNOTAVAIL };

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		memset(claims, 0, sizeof(*claims));
		failing = faults[i];
		assert_int_equal(run_lesson(run_failing_call), 0);
		assert_true(claims->skipped == 1 && claims->held == 0);
	}
	for (size_t i = 0; i < sizeof(themes) / sizeof(themes[0]); i++) {
		memset(claims, 0, sizeof(*claims));
		failing = themes[i];
		assert_int_equal(run_lesson(run_failing_call), 0);
		assert_true(claims->skipped == 0 && claims->held == 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process__killed__ends_the_lesson_at_once_and_is_told),
		cmocka_unit_test(process__exited_with_a_code__ends_the_lesson_and_is_told),
		cmocka_unit_test(processes__called_and_stopped__no_loss),
		cmocka_unit_test(call__failing_by_the_systems_fault__not_checkable),
	};

	return cmocka_run_group_tests(tests, map_claims, unmap_claims);
}
