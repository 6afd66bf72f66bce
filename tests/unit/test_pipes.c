/* SPDX-License-Identifier: MIT */
/* The pipes of a worker: made, kept, given back, and refused by the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/sandbox.h"
#include "worker/pair/pipes.h"

enum { NOW_MS = 5000000, MIB = 1024 * 1024 };

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void pipe__that_is_made__is_large_and_waits_for_nobody(void **state)
{
	struct pipes pipes = { .count = 0 };
	struct pipe_ends ends;
	bool is_new;

	(void)state;
	assert_true(pipes_take(&pipes, &ends, &is_new, NOW_MS));
	assert_true(is_new);
	assert_true(fcntl(ends.write, F_GETPIPE_SZ) >= MIB);
	assert_int_equal(fcntl(ends.read, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(ends.write, F_GETFL) & O_NONBLOCK);
	pipes_close(ends);
	assert_false(is_open(ends.read) || is_open(ends.write));
}

static void pipe__that_is_given_back__is_taken_again(void **state)
{
	struct pipes pipes = { .count = 0 };
	struct pipe_ends ends, again;
	bool is_new;

	(void)state;
	assert_true(pipes_take(&pipes, &ends, &is_new, NOW_MS));
	pipes_give(&pipes, ends);
	assert_true(pipes_take(&pipes, &again, &is_new, NOW_MS));
	assert_false(is_new);
	assert_int_equal(again.read, ends.read);
	assert_int_equal(again.write, ends.write);
	pipes_close(again);
}

static void pipes__that_are_too_many__are_closed(void **state)
{
	struct pipe_ends ends[PIPES_KEPT + 3];
	struct pipes pipes = { .count = 0 };
	bool is_new;

	(void)state;
	for (unsigned i = 0; i < PIPES_KEPT + 3; i++)
		assert_true(pipes_take(&pipes, &ends[i], &is_new, NOW_MS) && is_new);
	for (unsigned i = 0; i < PIPES_KEPT + 3; i++)
		pipes_give(&pipes, ends[i]);
	for (unsigned i = 0; i < PIPES_KEPT + 3; i++)
		assert_int_equal(is_open(ends[i].read) && is_open(ends[i].write), i < PIPES_KEPT);
	pipes_stop(&pipes);
	for (unsigned i = 0; i < PIPES_KEPT + 3; i++)
		assert_false(is_open(ends[i].read) || is_open(ends[i].write));
	assert_int_equal(pipes.count, 0);
}

/* In a process of its own, in which the call fails from then on. */
static void refuse(long call, int error)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct pipes pipes = { .count = 0 };
		struct pipe_ends ends;
		bool is_new;
		int lowest = dup(0);

		close(lowest);
		if (!sandbox_fail(call, SANDBOX_ANY, error))
			_exit(77);
		if (pipes_take(&pipes, &ends, &is_new, NOW_MS) || pipes.refused_ms != NOW_MS)
			_exit(1);
		/* none is asked for within a second, and no descriptor is left */
		if (pipes_take(&pipes, &ends, &is_new, NOW_MS + 999) || pipes.refused_ms != NOW_MS)
			_exit(2);
		if (pipes_take(&pipes, &ends, &is_new, NOW_MS + 1000) ||
		    pipes.refused_ms != NOW_MS + 1000)
			_exit(3);
		_exit(dup(0) == lowest ? 0 : 4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(status == 0 || WEXITSTATUS(status) == 77);
}

static void pipe__that_the_system_refuses__is_not_asked_for_again_at_once(void **state)
{
	(void)state;
	refuse(SYS_pipe2, EMFILE);
	refuse(SYS_fcntl, EPERM); /* a user's pages are limited: it stays small */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipe__that_is_made__is_large_and_waits_for_nobody),
		cmocka_unit_test(pipe__that_is_given_back__is_taken_again),
		cmocka_unit_test(pipes__that_are_too_many__are_closed),
		cmocka_unit_test(pipe__that_the_system_refuses__is_not_asked_for_again_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
