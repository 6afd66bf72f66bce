/* SPDX-License-Identifier: MIT */
/* Tests of master/workers.c with hostile workers: unknown children, and bells that block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/crew.h"

static void reap__of_a_stranger__touches_no_worker(void **state)
{
	struct procs *procs = *state;
	const struct generation *generation = crew_serve(procs, NULL);
	pid_t stranger = sys_fork();

	if (stranger == 0)
		_exit(0);
	crew_await_death(stranger);
	workers_reap(procs, CREW_NOW);
	assert_int_equal(generation_count(generation, member_is_running), CREW_WORKERS);
	assert_int_equal(sys_waitpid(stranger, NULL, WNOHANG), -1);
}

static bool note_other(void *owner, pid_t pid, int status)
{
	*(pid_t *)owner = WIFEXITED(status) ? pid : 0;
	return true;
}

static void reap__of_the_masters_other_child__tells_it(void **state)
{
	struct procs *procs = *state;
	pid_t told = 0, other = sys_fork();

	if (other == 0)
		_exit(0);
	procs->other = note_other;
	procs->owner = &told;
	crew_await_death(other);
	workers_reap(procs, CREW_NOW);
	assert_int_equal(told, other);
}

static void leave_strangers(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		pid_t stranger = sys_fork();

		if (stranger == 0)
			_exit(0);
		crew_await_death(stranger);
	}
}

static void reap__of_many_strangers__takes_some_in_a_turn_but_every_worker(void **state)
{
	struct procs *procs = *state;
	struct generation *generation = crew_serve(procs, NULL);
	pid_t pid;

	leave_strangers(50);
	/* after them in the system's list of children */
	crew_kill(procs, &generation->members[1], SIGKILL, CREW_NOW);
	workers_start_due(procs, CREW_NOW + 60000);
	pid = generation->members[1].pid;
	assert_true(pid > 0);
	assert_int_equal(sys_kill(pid, SIGKILL), 0);
	crew_await_death(pid);
	leave_strangers(50);
	workers_reap(procs, CREW_NOW + 60000);
	assert_true(procs->has_more);
	assert_int_equal(workers_due_ms(procs, INT64_MAX), 0);
	assert_int_not_equal(generation->members[1].pid, pid);
	for (unsigned turns = 0; procs->has_more; turns++) {
		assert_true(turns < 4);
		workers_reap(procs, CREW_NOW + 60000);
	}
	assert_int_equal(sys_waitpid(-1, NULL, WNOHANG), 0);
}

static bool has_rung(const struct procs *procs)
{
	struct pollfd bells = { .fd = procs->bells, .events = POLLIN };

	return poll(&bells, 1, 0) == 1;
}

static void bells__of_workers_that_make_them_block__keep_nobody_waiting(void **state)
{
	static const uint64_t one = 1;
	struct procs *procs = *state;
	const struct generation *generation = crew_serve(procs, NULL);
	int bell = generation->wires[1].fds[WIRE_BELL];
	uint64_t rung;

	alarm(30); /* otherwise it waits for ever */
	assert_false(has_rung(procs));
	assert_int_equal(fcntl(bell, F_SETFL, 0), 0);
	for (unsigned i = 0; i < 3; i++) { /* no process reads the bell, and each ring is noticed */
		assert_int_equal(write(bell, &one, sizeof(one)), sizeof(one));
		assert_true(has_rung(procs));
		workers_clear_bells(procs);
		assert_false(has_rung(procs));
	}
	assert_int_equal(write(bell, &one, sizeof(one)), sizeof(one));
	assert_int_equal(read(bell, &rung, sizeof(rung)), sizeof(rung));
	workers_clear_bells(procs); /* the worker has read it first */
	alarm(0);
}

#define WITH_PROCS(test) cmocka_unit_test_setup_teardown(test, crew_make, crew_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PROCS(bells__of_workers_that_make_them_block__keep_nobody_waiting),
		WITH_PROCS(reap__of_a_stranger__touches_no_worker),
		WITH_PROCS(reap__of_the_masters_other_child__tells_it),
		WITH_PROCS(reap__of_many_strangers__takes_some_in_a_turn_but_every_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
