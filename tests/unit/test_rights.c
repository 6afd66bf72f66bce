/* SPDX-License-Identifier: MIT */
/* Tests of base/rights.c against the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/sys.h"
#include "unit/lingering.h"
#include "unit/passed.h"

static struct passed passed;

static void assert_same_file(int one, int other)
{
	struct stat first, second;

	assert_int_equal(fstat(one, &first), 0);
	assert_int_equal(fstat(other, &second), 0);
	assert_int_equal(first.st_dev, second.st_dev);
	assert_int_equal(first.st_ino, second.st_ino);
}

/* The same open file so many times. */
static const int *repeat_fd(int fd, unsigned count)
{
	static int fds[RIGHTS_MOST + 1];

	for (unsigned i = 0; i < count; i++)
		fds[i] = fd;
	return fds;
}

static void descriptors__arrive_close_on_exec(void **state)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	int fds[3];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		passed_open(&passed, types[i]);
		fds[2] = passed.sender;
		assert_int_equal(passed_send(&passed, "one", fds, 1), 3);
		assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), 3);
		passed_assert(&passed, "one", 1);
		assert_same_file(passed.got.fds[0], fds[0]);
		rights_close(&passed.got);
		assert_int_equal(passed_send(&passed, "many", fds, 3), 4);
		assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), 4);
		passed_assert(&passed, "many", 3);
		for (unsigned k = 0; k < 3; k++) {
			assert_same_file(passed.got.fds[k], fds[k]);
			assert_int_equal(fcntl(passed.got.fds[k], F_GETFD), FD_CLOEXEC);
		}
		passed_close(&passed);
		close(fds[0]);
		close(fds[1]);
	}
}

static void no_descriptors__bytes_in_parts(void **state)
{
	const struct iovec out[] = { { "he", 2 }, { "", 0 }, { "llo", 3 } };
	char first[1], rest[PASSED_TEXT] = "";
	const struct iovec in[] = { { first, sizeof(first) }, { rest, sizeof(rest) } };

	(void)state;
	passed_open(&passed, SOCK_STREAM);
	assert_int_equal(rights_send(passed.sender, out, 3, NULL, 0, 0), 5);
	memset(&passed.got, 0x5a, sizeof(passed.got));
	assert_int_equal(rights_receive(passed.receiver, in, 2, &passed.got, 0), 5);
	assert_int_equal(first[0], 'h');
	assert_string_equal(rest, "ello");
	passed_assert(&passed, "", 0);
	assert_int_equal(passed.got.sender, 0);
	passed_close(&passed);
}

static void nothing_to_receive__empty_and_the_errno_or_0(void **state)
{
	(void)state;
	passed_open(&passed, SOCK_STREAM);
	assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), -1);
	assert_int_equal(errno, EAGAIN);
	passed_assert(&passed, "", 0);
	assert_int_equal(passed.got.sender, 0);
	assert_int_equal(shutdown(passed.sender, SHUT_WR), 0);
	assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), 0);
	passed_assert(&passed, "", 0);
	assert_int_equal(shutdown(passed.receiver, SHUT_RDWR), 0);
	assert_int_equal(passed_send(&passed, "late", NULL, 0), -1);
	assert_int_equal(errno, EPIPE); /* and no SIGPIPE */
	passed_close(&passed);
}

/* The kernel's answer to a message that rights_send does not make. */
static int errno_of_too_many(unsigned count)
{
	static union {
		char room[CMSG_SPACE((RIGHTS_MOST + 1) * sizeof(int))];
		struct cmsghdr head;
	} control;
	struct iovec byte = { .iov_base = &(char){ 0 }, .iov_len = 1 };
	const struct msghdr message = { .msg_iov = &byte,
					.msg_iovlen = 1,
					.msg_control = control.room,
					.msg_controllen = CMSG_LEN(count * sizeof(int)) };

	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)),
					 .cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS };
	memcpy(control.room + CMSG_LEN(0), repeat_fd(passed.sender, count), count * sizeof(int));
	assert_int_equal(sendmsg(passed.sender, &message, MSG_NOSIGNAL), -1);
	return errno;
}

static void as_many_as_the_kernel_takes__arrive_and_one_more_is_refused(void **state)
{
	(void)state;
	if (!passed_raise_limit())
		skip();
	passed_open(&passed, SOCK_SEQPACKET);
	assert_int_equal(
		setsockopt(passed.receiver, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)), 0);
	assert_int_equal(
		passed_send(&passed, "all", repeat_fd(passed.sender, RIGHTS_MOST), RIGHTS_MOST), 3);
	assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), 3);
	passed_assert(&passed, "all", RIGHTS_MOST);
	assert_int_equal(passed.got.sender, getpid());
	for (unsigned i = 0; i < RIGHTS_MOST; i++)
		assert_same_file(passed.got.fds[i], passed.sender);
	rights_close(&passed.got);
	assert_int_equal(passed_send(&passed, "more", repeat_fd(passed.sender, RIGHTS_MOST + 1),
				     RIGHTS_MOST + 1),
			 -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(errno_of_too_many(RIGHTS_MOST + 1), EINVAL);
	assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), -1);
	assert_int_equal(errno, EAGAIN);
	passed_close(&passed);
}

static void peek__duplicates_and_the_message_stays(void **state)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	struct rights first;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		passed_open(&passed, types[i]);
		assert_int_equal(passed_send(&passed, "look", &passed.sender, 1), 4);
		assert_int_equal(passed_receive(&passed, PASSED_TEXT, MSG_PEEK), 4);
		passed_assert(&passed, "look", 1);
		first = passed.got;
		assert_int_equal(passed_receive(&passed, PASSED_TEXT, MSG_PEEK), 4);
		passed_assert(&passed, "look", 1);
		assert_int_not_equal(passed.got.fds[0], first.fds[0]);
		assert_same_file(passed.got.fds[0], first.fds[0]);
		rights_close(&passed.got);
		rights_close(&first);
		assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), 4);
		passed_assert(&passed, "look", 1);
		assert_same_file(passed.got.fds[0], passed.sender);
		rights_close(&passed.got);
		assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), -1);
		passed_close(&passed);
	}
}

static void longer_than_the_parts__cut_but_with_its_descriptors(void **state)
{
	(void)state;
	passed_open(&passed, SOCK_SEQPACKET);
	assert_int_equal(passed_send(&passed, "too long", &passed.sender, 1), 8);
	assert_int_equal(passed_receive(&passed, 3, 0), 3);
	assert_string_equal(passed.text, "too");
	assert_true(passed.got.is_cut);
	assert_false(passed.got.lacks_fds);
	assert_int_equal(passed.got.count, 1);
	rights_close(&passed.got);
	/* the rest of the message is lost */
	assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), -1);
	passed_close(&passed);
}

static void longer_than_the_parts__on_a_stream__the_rest_follows_without(void **state)
{
	(void)state;
	passed_open(&passed, SOCK_STREAM);
	assert_int_equal(passed_send(&passed, "too long", &passed.sender, 1), 8);
	assert_int_equal(passed_receive(&passed, 3, 0), 3);
	passed_assert(&passed, "too", 1);
	rights_close(&passed.got);
	assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), 5);
	passed_assert(&passed, " long", 0);
	passed_close(&passed);
}

/* Lets this process have so many descriptors more; returns the limit that it had. */
static struct rlimit leave_free(unsigned more)
{
	int lowest = dup(passed.sender);
	struct rlimit before, limit;

	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	/* further ones are below the limit only if all numbers up to there are in use */
	for (limit.rlim_cur = (rlim_t)lowest; more > 0; limit.rlim_cur++)
		more -= fcntl((int)limit.rlim_cur, F_GETFD) < 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return before;
}

/* The pipe ends when no copy of its writing end is left, also not in the kernel. */
static void no_free_descriptor__lacks_them_and_drops_the_rest(void **state)
{
	int fds[2];

	(void)state;
	for (unsigned more = 0; more < 3; more++) {
		struct rlimit before;
		char byte;

		assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
		passed_open(&passed, SOCK_STREAM);
		assert_int_equal(passed_send(&passed, "three", repeat_fd(fds[1], 3), 3), 5);
		close(fds[1]);
		passed.open_before--;
		before = leave_free(more);
		assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), 5);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		assert_string_equal(passed.text, "three");
		assert_int_equal(passed.got.count, more);
		assert_true(passed.got.lacks_fds);
		if (more > 0) {
			assert_int_equal(read(fds[0], &byte, 1), -1);
			assert_int_equal(errno, EAGAIN);
		}
		rights_close(&passed.got);
		assert_int_equal(read(fds[0], &byte, 1), 0);
		passed_close(&passed);
		close(fds[0]);
	}
}

static void sender__is_the_process_that_sent(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	passed_open(&passed, SOCK_STREAM);
	assert_int_equal(
		setsockopt(passed.receiver, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		sys_leave(passed_send(&passed, "mine", &passed.sender, 1) == 4 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), 4);
	passed_assert(&passed, "mine", 1);
	assert_int_equal(passed.got.sender, pid);
	passed_close(&passed);
}

static void close__of_a_lingering_socket__does_not_wait(void **state)
{
	struct linger linger;
	int fd, peer;

	(void)state;
	passed_open(&passed, SOCK_STREAM);
	fd = lingering_open(&peer);
	assert_int_equal(passed_send(&passed, "wait", &fd, 1), 4);
	close(fd); /* the message holds it */
	assert_int_equal(passed_receive(&passed, PASSED_TEXT, 0), 4);
	passed_assert(&passed, "wait", 1);
	assert_int_equal(getsockopt(passed.got.fds[0], SOL_SOCKET, SO_LINGER, &linger,
				    &(socklen_t){ sizeof(linger) }),
			 0);
	assert_int_equal(linger.l_onoff, 1);
	alarm(LINGERING_BOUND_S);
	rights_close(&passed.got);
	alarm(0);
	close(peer);
	passed_close(&passed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors__arrive_close_on_exec),
		cmocka_unit_test(no_descriptors__bytes_in_parts),
		cmocka_unit_test(nothing_to_receive__empty_and_the_errno_or_0),
		cmocka_unit_test(as_many_as_the_kernel_takes__arrive_and_one_more_is_refused),
		cmocka_unit_test(peek__duplicates_and_the_message_stays),
		cmocka_unit_test(longer_than_the_parts__cut_but_with_its_descriptors),
		cmocka_unit_test(longer_than_the_parts__on_a_stream__the_rest_follows_without),
		cmocka_unit_test(no_free_descriptor__lacks_them_and_drops_the_rest),
		cmocka_unit_test(sender__is_the_process_that_sent),
		cmocka_unit_test(close__of_a_lingering_socket__does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
