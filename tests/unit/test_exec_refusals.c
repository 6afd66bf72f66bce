/* SPDX-License-Identifier: MIT */
/*
 * The helper of an exec listener where the system refuses a call for a moment. The C library's
 * functions of those names are replaced.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/helped.h"

/* How often each call fails from now on, in the helper alone; shared with it. */
static struct refusals {
	_Atomic int recvmsg, waitid, waitpid;
} * refusals;
static pid_t test;

static bool is_refused(_Atomic int *left, int error)
{
	if (getpid() == test || atomic_load(left) == 0)
		return false;
	atomic_fetch_sub(left, 1);
	errno = error;
	return true;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	if (is_refused(&refusals->recvmsg, ENOBUFS))
		return -1;
	return syscall(SYS_recvmsg, fd, message, flags);
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int flags)
{
	if (is_refused(&refusals->waitid, EINTR))
		return -1;
	return (int)syscall(SYS_waitid, type, id, info, flags, NULL);
}

pid_t waitpid(pid_t pid, int *status, int flags)
{
	if (is_refused(&refusals->waitpid, EINTR))
		return -1;
	return (pid_t)syscall(SYS_wait4, pid, status, flags, NULL);
}

static int share_refusals(void **state)
{
	(void)state;
	test = getpid();
	refusals = mmap(NULL, sizeof(*refusals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	return refusals == MAP_FAILED;
}

static void request__that_cannot_be_received_at_once__is_not_lost(void **state)
{
	struct helped s;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	atomic_store(&refusals->recvmsg, 3);
	helped_serves(&s);
	assert_int_equal(atomic_load(&refusals->recvmsg), 0);
	helped_serves(&s);
	helped_stop(&s);
}

/* No second signal tells of its death. */
static void program__that_cannot_be_waited_for_at_once__is_reported(void **state)
{
	_Atomic int *const calls[] = { &refusals->waitid, &refusals->waitpid };

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		struct helped s;

		helped_start(&s, "/bin/cat", 4);
		atomic_store(calls[i], 1);
		helped_serves(&s);
		assert_int_equal(atomic_load(calls[i]), 0);
		helped_stop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request__that_cannot_be_received_at_once__is_not_lost),
		cmocka_unit_test(program__that_cannot_be_waited_for_at_once__is_reported),
	};

	return cmocka_run_group_tests(tests, share_refusals, NULL);
}
