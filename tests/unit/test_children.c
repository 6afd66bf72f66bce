/* SPDX-License-Identifier: MIT */
/*
 * Tests of master/children.c, and of the pids that the master takes from the page of its keepers: a
 * module can write there.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/sys.h"
#include "master/children.h"
#include "unit/crew.h"
#include "unit/kept.h"

/* Any signal ends it, although all are blocked here. */
static pid_t fork_waiter(void)
{
	pid_t pid = sys_fork();
	sigset_t none;

	sigemptyset(&none);
	while (pid == 0)
		sigsuspend(&none);
	assert_true(pid > 0);
	return pid;
}

static void end_waiter(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGKILL); /* of no signal before */
}

static bool can_be_worker(pid_t pid)
{
	return children_can_be_worker(kept.procs, pid, &kept.generation->identity);
}

static void child__that_nobody_has_noted__can_be_a_worker(void **state)
{
	pid_t pid = fork_waiter();

	(void)state;
	assert_true(can_be_worker(pid));
	assert_int_equal(kill(pid, SIGKILL), 0);
	crew_await_death(pid);
	assert_true(can_be_worker(pid)); /* it died before it was noted */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(can_be_worker(pid));
}

static void process__that_is_no_child__is_no_worker(void **state)
{
	(void)state;
	assert_false(can_be_worker(0));
	assert_false(can_be_worker(-1));
	assert_false(can_be_worker(getpid()));
	assert_false(can_be_worker(getppid()));
}

static bool is_noted;

static bool is_other(const void *owner, pid_t pid)
{
	return is_noted && pid == *(const pid_t *)owner;
}

static void child__that_is_noted__is_no_other_worker(void **state)
{
	struct helper helper = { .pid = 0 };
	pid_t pid = fork_waiter();

	(void)state;
	member_want(kept.member, 0, kept.now_ms);
	kept_start();
	kept_clone();
	assert_false(can_be_worker(kept.member->keeper));
	assert_false(can_be_worker(kept.member->pid));
	kept.procs->is_other = is_other;
	kept.procs->owner = &pid;
	assert_true(can_be_worker(pid));
	is_noted = true;
	assert_false(can_be_worker(pid));
	is_noted = false;
	kept.procs->closer = pid;
	assert_false(can_be_worker(pid));
	kept.procs->closer = 0;
	helper.pid = pid;
	kept.generation->helpers.list = &helper;
	kept.generation->helpers.count = 1;
	assert_false(can_be_worker(pid));
	kept.generation->helpers = (struct helper_set){ 0 };
	assert_true(can_be_worker(pid));
	end_waiter(pid);
	kept_clear();
}

static void child__of_another_user__is_no_worker(void **state)
{
	struct identity identity = { .changes = true, .user = geteuid() };
	pid_t pid = fork_waiter();

	(void)state;
	assert_true(children_can_be_worker(kept.procs, pid, &identity));
	identity.user++;
	assert_int_equal(children_can_be_worker(kept.procs, pid, &identity),
			 access("/proc/self/status", R_OK) != 0);
	end_waiter(pid);
}

static void pid__that_a_module_has_written__gets_no_signal(void **state)
{
	pid_t stranger, worker;

	(void)state;
	stranger = fork_waiter();
	kept.procs->closer = stranger; /* the master's own, so that no signal is for it */
	member_want(kept.member, 0, kept.now_ms);
	kept_start();
	kept.procs->page->pids[0] = stranger;
	kept_report_ready();
	assert_int_equal(kept.member->pid, 0);
	assert_false(member_is_ready(kept.member));
	workers_signal(kept.procs, SIGTERM);
	kept.procs->page->pids[0] = 0;
	kept_clone();
	worker = kept.procs->page->pids[0];
	assert_int_equal(kept.member->pid, worker);
	kept.procs->closer = 0;
	kept_clear();
	end_waiter(stranger);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, kept_make, kept_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(child__that_nobody_has_noted__can_be_a_worker),
		CASE(process__that_is_no_child__is_no_worker),
		CASE(child__that_is_noted__is_no_other_worker),
		CASE(child__of_another_user__is_no_worker),
		CASE(pid__that_a_module_has_written__gets_no_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
