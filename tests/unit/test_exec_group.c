/* SPDX-License-Identifier: MIT */
/* Tests of services/exec/exec_group: the group of a leader that is gone, and what is no more it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/exec/exec_group.h"

/* A leader that exits at once, and a process that it leaves in its group. */
struct family {
	struct exec_group group;
	pid_t left;
};

static void reap(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The group as it is when a helper has reaped the leader. */
static struct family start_family(bool with_descriptor)
{
	struct family family;
	siginfo_t info;
	pid_t leader;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	leader = fork();
	if (leader == 0) {
		setsid();
		family.left = fork();
		if (family.left == 0)
			for (;;)
				pause();
		_exit(write(ends[1], &family.left, sizeof(family.left)) < 0);
	}
	assert_int_equal(read(ends[0], &family.left, sizeof(family.left)), sizeof(family.left));
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(waitid(P_PID, (id_t)leader, &info, WEXITED | WNOWAIT), 0);
	exec_group_hold(&family.group, leader, with_descriptor);
	assert_int_equal(family.group.fd >= 0, with_descriptor);
	reap(leader);
	return family;
}

static void end_family(struct family *family)
{
	kill(family->left, SIGKILL);
	reap(family->left);
}

static pid_t start_stranger(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	assert_int_equal(setpgid(pid, pid), 0);
	return pid;
}

static void expect_lives(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	reap(pid);
}

static void group__without_its_leader__is_signalled(void **state)
{
	(void)state;
	for (int with_descriptor = 0; with_descriptor < 2; with_descriptor++) {
		struct family family = start_family(with_descriptor);
		int status;

		assert_true(exec_group_signal(&family.group, 0));
		assert_true(exec_group_signal(&family.group, SIGUSR1));
		assert_int_equal(waitpid(family.left, &status, 0), family.left);
		assert_int_equal(WTERMSIG(status), SIGUSR1);
		assert_false(exec_group_signal(&family.group, 0));
		exec_group_close(&family.group);
	}
}

/* The kernel gives the number to the next process that it comes to. */
static void number__that_is_anothers_by_now__is_not_signalled(void **state)
{
	(void)state;
	for (int with_descriptor = 0; with_descriptor < 2; with_descriptor++) {
		struct family family = start_family(with_descriptor);
		pid_t stranger = start_stranger();

		end_family(&family);
		family.group.pid = stranger;
		assert_false(exec_group_signal(&family.group, 0));
		assert_false(exec_group_signal(&family.group, SIGKILL));
		exec_group_close(&family.group);
		expect_lives(stranger);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(group__without_its_leader__is_signalled),
		cmocka_unit_test(number__that_is_anothers_by_now__is_not_signalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
