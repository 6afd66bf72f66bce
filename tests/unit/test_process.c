/* SPDX-License-Identifier: MIT */
/*
 * Tests of demo/process.c: what a lesson does about actors that crash and calls that fail by no doing
 * of its own.
 */
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

static struct tally *tally; /* shared with the lesson's process */
static int failing;         /* errno of do_fail */

static int open_tally(void **state)
{
	(void)state;
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	return tally == MAP_FAILED;
}

static int close_tally(void **state)
{
	(void)state;
	return munmap(tally, sizeof(*tally));
}

/* Has a process of its own play it, as prefork-demo does; its status (waitpid(2)). */
static int play(void (*lesson)(struct stage *stage))
{
	struct stage stage;
	pid_t pid = fork();
	int status, nowhere;

	assert_true(pid >= 0);
	if (pid == 0) {
		nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(nowhere, STDOUT_FILENO);
		alarm(BOUND_S);
		stage_open(&stage, tally);
		lesson(&stage);
		_exit(CODE_OK);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void do_die(struct order *order)
{
	(void)order;
	kill(getpid(), SIGKILL);
}

static void do_leave(struct order *order)
{
	_exit(order->option);
}

static void do_nothing(struct order *order)
{
	order->result = 7;
}

static void do_fail(struct order *order)
{
	order->result = -1;
	errno = failing;
}

static struct order call(void (*act)(struct order *order))
{
	return (struct order){ .act = act, .call = "call()" };
}

static void ask_one_who_dies(struct stage *stage)
{
	struct actor actor = cast_hire(stage, 1, "actor");

	cast_do(stage, &actor, call(do_die));
}

static void ask_one_who_dies_and_shares(struct stage *stage)
{
	struct actor actor = cast_hire_sharing(stage, 1, "actor");

	cast_do(stage, &actor, call(do_die));
}

static void await_one_who_dies(struct stage *stage)
{
	struct actor actor = cast_hire(stage, 1, "actor");

	cast_begin(stage, &actor, call(do_die));
	cast_await_sleep(stage, &actor);
}

static void order_one_who_is_dead(struct stage *stage)
{
	struct actor actor = cast_hire(stage, 1, "actor");
	siginfo_t info;

	kill(actor.pid, SIGKILL);
	waitid(P_PID, (id_t)actor.pid, &info, WEXITED | WNOWAIT);
	cast_dismiss(stage, &actor);
}

static void actor__killed__ends_the_lesson_at_once_and_is_told(void **state)
{
	void (*const lessons[])(struct stage *
				stage) = { ask_one_who_dies, ask_one_who_dies_and_shares,
					   await_one_who_dies, order_one_who_is_dead };

	(void)state;
	for (size_t i = 0; i < sizeof(lessons) / sizeof(lessons[0]); i++) {
		int status;

		memset(tally, 0, sizeof(*tally));
		status = play(lessons[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), CODE_INTERNAL);
		assert_true(WIFSIGNALED(tally->lost));
		assert_int_equal(WTERMSIG(tally->lost), SIGKILL);
		assert_int_equal(tally->unknown, 0);
	}
}

static void ask_one_who_leaves(struct stage *stage)
{
	struct actor actor = cast_hire(stage, 1, "actor");
	struct order leave = call(do_leave);

	leave.option = 3;
	cast_do(stage, &actor, leave);
}

/* As a sanitizer ends a process. */
static void actor__left_with_a_code__ends_the_lesson_and_is_told(void **state)
{
	int status;

	(void)state;
	memset(tally, 0, sizeof(*tally));
	status = play(ask_one_who_leaves);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CODE_INTERNAL);
	assert_true(WIFEXITED(tally->lost));
	assert_int_equal(WEXITSTATUS(tally->lost), 3);
}

static void ask_two(struct stage *stage)
{
	struct actor one = cast_hire(stage, 1, "one"), two = cast_hire_sharing(stage, 2, "two");

	stage_claim(stage, cast_do(stage, &one, call(do_nothing)).result == 7, "one");
	stage_claim(stage, cast_do(stage, &two, call(do_nothing)).result == 7, "two");
	cast_dismiss(stage, &one);
	cast_kill(stage, &two);
}

static void actors__asked_and_ended__no_loss(void **state)
{
	(void)state;
	memset(tally, 0, sizeof(*tally));
	assert_int_equal(play(ask_two), 0);
	assert_int_equal(tally->held, 2);
	assert_int_equal(tally->lost, 0);
}

/* The claim is reached only where the failure is one that a lesson may be about. */
static void play_failure(struct stage *stage)
{
	struct actor self = cast_self(1, "self");

	cast_do(stage, &self, call(do_fail));
	stage_claim(stage, true, "a claim");
}

static void call__failing_by_the_systems_fault__not_checkable(void **state)
{
	static const int faults[] = { EPERM,  ENOSYS, ENOPROTOOPT, EAFNOSUPPORT,
				      ENOMEM, EMFILE, ENFILE,      ENOBUFS };
	static const int themes[] = { EACCES, EADDRINUSE, EAGAIN,     ECONNREFUSED,
				      EINVAL, EPIPE,      ECONNRESET, EADDRNOTAVAIL };

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		memset(tally, 0, sizeof(*tally));
		failing = faults[i];
		assert_int_equal(play(play_failure), 0);
		assert_true(tally->unknown == 1 && tally->held == 0);
	}
	for (size_t i = 0; i < sizeof(themes) / sizeof(themes[0]); i++) {
		memset(tally, 0, sizeof(*tally));
		failing = themes[i];
		assert_int_equal(play(play_failure), 0);
		assert_true(tally->unknown == 0 && tally->held == 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actor__killed__ends_the_lesson_at_once_and_is_told),
		cmocka_unit_test(actor__left_with_a_code__ends_the_lesson_and_is_told),
		cmocka_unit_test(actors__asked_and_ended__no_loss),
		cmocka_unit_test(call__failing_by_the_systems_fault__not_checkable),
	};

	return cmocka_run_group_tests(tests, open_tally, close_tally);
}
