/* SPDX-License-Identifier: MIT */
/* Tests of base/rights.c: control data that is not awaited, or that no kernel makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "base/sys.h"
#include "unit/passed.h"

#ifndef SO_PASSPIDFD /* headers older than 6.5 */
#define SO_PASSPIDFD 76
#endif

static struct passed passed;

/* Control data that the next recvmsg(2) of this program reports in place of the kernel's. */
static struct {
	char room[1600];
	size_t size; /* 0: the kernel's */
} forged;

/* Stands before the C library's for the whole program. */
ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	size_t room = message->msg_controllen;
	ssize_t n = syscall(SYS_recvmsg, fd, message, flags);

	if (n < 0 || forged.size == 0)
		return n;
	assert_true(forged.size <= room);
	memcpy(message->msg_control, forged.room, forged.size);
	message->msg_controllen = forged.size;
	forged.size = 0;
	return n;
}

/* Appends a part with that length in its head. */
static void forge(int level, int type, size_t length, const void *data, size_t size)
{
	const struct cmsghdr head = { .cmsg_len = length, .cmsg_level = level, .cmsg_type = type };

	assert_true(forged.size + CMSG_SPACE(size) <= sizeof(forged.room));
	memcpy(forged.room + forged.size, &head, sizeof(head));
	memcpy(forged.room + forged.size + CMSG_LEN(0), data, size);
	forged.size += CMSG_SPACE(size);
}

static void pidfd_that_nobody_awaits__is_closed(void **state)
{
	(void)state;
	passed_open(&passed, SOCK_STREAM);
	if (setsockopt(passed.receiver, SOL_SOCKET, SO_PASSPIDFD, &(int){ 1 }, sizeof(int)) < 0) {
		passed_close(&passed);
		skip(); /* Linux 6.5 */
	}
	assert_int_equal(passed_send(&passed, "with one", &passed.sender, 1), 8);
	assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), 8);
	passed_assert(&passed, "with one", 1);
	assert_int_equal(passed_count_open(), passed.open_before + 1);
	passed_close(&passed);
}

/* Receives a message with forged control data. */
static void receive_forged(void)
{
	assert_int_equal(passed_send(&passed, "x", NULL, 0), 1);
	assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), 1);
	assert_int_equal(forged.size, 0);
}

static void several_parts__all_descriptors(void **state)
{
	int fds[3];

	(void)state;
	passed_open(&passed, SOCK_STREAM);
	for (unsigned i = 0; i < 3; i++)
		fds[i] = dup(passed.sender);
	forge(SOL_SOCKET, SCM_RIGHTS, CMSG_LEN(sizeof(int)), fds, sizeof(int));
	forge(IPPROTO_IP, SCM_RIGHTS, CMSG_LEN(sizeof(int)), &passed.sender, sizeof(int));
	forge(SOL_SOCKET, SCM_RIGHTS, CMSG_LEN(2 * sizeof(int)), fds + 1, 2 * sizeof(int));
	receive_forged();
	passed_assert(&passed, "x", 3);
	assert_memory_equal(passed.got.fds, fds, sizeof(fds));
	passed_close(&passed);
}

static void more_than_there_is_room_for__closed(void **state)
{
	enum { MORE = 3 };
	int fds[RIGHTS_MOST + MORE];

	(void)state;
	if (!passed_raise_limit())
		skip();
	passed_open(&passed, SOCK_STREAM);
	for (unsigned i = 0; i < RIGHTS_MOST + MORE; i++)
		assert_true((fds[i] = dup(passed.sender)) >= 0);
	forge(SOL_SOCKET, SCM_RIGHTS, CMSG_LEN(RIGHTS_MOST * sizeof(int)), fds,
	      RIGHTS_MOST * sizeof(int));
	forge(SOL_SOCKET, SCM_RIGHTS, CMSG_LEN(MORE * sizeof(int)), fds + RIGHTS_MOST,
	      MORE * sizeof(int));
	receive_forged();
	assert_int_equal(passed.got.count, RIGHTS_MOST);
	assert_true(passed.got.lacks_fds);
	assert_int_equal(passed_count_open(), passed.open_before + RIGHTS_MOST);
	passed_close(&passed);
}

static void malformed_lengths__what_is_there_is_handed_over(void **state)
{
	static const struct {
		size_t length, size;
		unsigned count;
	} rows[] = {
		{ CMSG_LEN(sizeof(int)) + 3, 2 * sizeof(int), 1 }, /* no whole number of them */
		{ CMSG_LEN(5 * sizeof(int)), 2 * sizeof(int), 2 }, /* beyond the end */
		{ SIZE_MAX, 2 * sizeof(int), 2 },
		{ SIZE_MAX - 7, 2 * sizeof(int), 2 },
		{ CMSG_LEN(0), 0, 0 },
		{ CMSG_LEN(0) - 1, 0, 0 },
		{ 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fds[2] = { -1, -1 };

		passed_open(&passed, SOCK_STREAM);
		for (unsigned k = 0; k < rows[i].count; k++)
			fds[k] = dup(passed.sender);
		forge(SOL_SOCKET, SCM_RIGHTS, rows[i].length, fds, rows[i].size);
		receive_forged();
		passed_assert(&passed, "x", rows[i].count);
		assert_memory_equal(passed.got.fds, fds, rows[i].count * sizeof(int));
		passed_close(&passed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pidfd_that_nobody_awaits__is_closed),
		cmocka_unit_test(several_parts__all_descriptors),
		cmocka_unit_test(more_than_there_is_room_for__closed),
		cmocka_unit_test(malformed_lengths__what_is_there_is_handed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
