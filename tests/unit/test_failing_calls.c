/* SPDX-License-Identifier: MIT */
/*
 * System calls that fail on a descriptor that is sound: no client waits in vain afterwards. Each
 * case is a process of its own, in which the call fails from then on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/paired.h"
#include "unit/sandbox.h"

enum { PAIRS = 5 };

static void audit_with_failing_fstat(void)
{
	struct recovery r;
	struct served s;
	int client, fd;

	served_start(&s, "echo", NULL);
	client = served_connect(&s);
	served_recover(&s, &r);
	fd = record(&s, 0)->fd;
	assert_true(sandbox_fail(SYS_fstat, fd, EIO) && sandbox_fail(SYS_newfstatat, fd, EIO));
	assert_int_equal(fstat(fd, &(struct stat){ 0 }), -1);
	dispatch_end_turn(&s.pool);
	assert_int_equal(s.pool.audit.count, 0);
	served_send(&s, client, "text", 4);
	served_expect(&s, client, "text", false);
	close(client);
	served_settle(&s);
	assert_nothing_left(&s, 0);
}

static void audit__whose_look_fails__keeps_the_connection(void **state)
{
	(void)state;
	assert_true(sandbox_run(audit_with_failing_fstat));
}

static void close_without_close_range(void)
{
	int fds[2 * PAIRS], kept;

	for (unsigned i = 0; i < PAIRS; i++)
		assert_int_equal(pipe2(fds + 2 * i, O_CLOEXEC), 0);
	kept = fds[PAIRS];
	fds[PAIRS] = fds[2 * PAIRS - 1];
	assert_true(sandbox_fail(SYS_close_range, SANDBOX_ANY, EMFILE));
	conn_close_fds(fds, 2 * PAIRS - 1);
	for (unsigned i = 0; i < 2 * PAIRS - 1; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), -1);
	assert_int_equal(fcntl(kept, F_GETFD), FD_CLOEXEC);
}

static void descriptors__that_cannot_be_closed_together__are_closed_alone(void **state)
{
	(void)state;
	assert_true(sandbox_run(close_without_close_range));
}

/* The bytes for the client are lost; it hears the end, and so does the upstream once it is gone. */
static void lose_bytes_by(int error)
{
	struct paired p;
	struct served s;

	paired_start(&s, NULL);
	p = paired_connect_tcp(&s);
	served_settle(&s);
	assert_true(sandbox_fail(SYS_sendto, record(&s, 0)->fd, error));
	assert_int_equal(send(p.upstream, "text", 4, MSG_NOSIGNAL), 4);
	paired_expect_end(&s, p.client, 0);
	close(p.client);
	paired_expect_end(&s, p.upstream, error == EPIPE ? 0 : error);
	close(p.upstream);
	served_settle(&s);
	assert_nothing_left(&s, 0);
}

static void lose_bytes_by_a_broken_pipe(void)
{
	lose_bytes_by(EPIPE);
}

static void lose_bytes_by_a_reset(void)
{
	lose_bytes_by(ECONNRESET);
}

static void side__that_cannot_be_sent_to__hears_the_end(void **state)
{
	(void)state;
	assert_true(sandbox_run(lose_bytes_by_a_broken_pipe));
	assert_true(sandbox_run(lose_bytes_by_a_reset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(audit__whose_look_fails__keeps_the_connection),
		cmocka_unit_test(descriptors__that_cannot_be_closed_together__are_closed_alone),
		cmocka_unit_test(side__that_cannot_be_sent_to__hears_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
