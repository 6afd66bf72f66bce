/* SPDX-License-Identifier: MIT */
/* Tests of master/program/notify_socket: what messages say, from whom, and what they may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "master/program/notify_socket.h"

struct ends {
	int fd, sender;
	char name[NOTIFY_NAME];
	struct notify_news news;
};

static int open_ends(void **state)
{
	struct ends *ends = calloc(1, sizeof(*ends));
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	assert_non_null(ends);
	ends->fd = notify_socket_open(ends->name);
	assert_true(ends->fd >= 0);
	assert_int_equal(ends->name[0], '@');
	memcpy(to.sun_path + 1, ends->name + 1, strlen(ends->name) - 1);
	ends->sender = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(sys_connect(ends->sender, (const struct sockaddr *)&to,
				     (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
						 strlen(ends->name))),
			 0);
	*state = ends;
	return 0;
}

static int close_ends(void **state)
{
	struct ends *ends = *state;

	notify_socket_close(ends->fd);
	close(ends->sender);
	free(ends);
	return 0;
}

static void say(const struct ends *ends, const char *text)
{
	assert_int_equal(sys_send(ends->sender, text, strlen(text), 0), strlen(text));
}

static void messages__are_read_line_by_line(void **state)
{
	struct ends *ends = *state;

	say(ends, "STATUS=warming up\nX_OTHER=1\nREADY=1\n");
	say(ends, "WATCHDOG=1");
	notify_socket_read(ends->fd, getpid(), &ends->news);
	assert_true(ends->news.is_ready);
	assert_true(ends->news.beats);
	assert_false(ends->news.is_hung);
	assert_string_equal(ends->news.status, "warming up");
	say(ends, "STOPPING=1\nWATCHDOG=trigger\nREADY=0\nREADY=10\nXREADY=1");
	notify_socket_read(ends->fd, getpid(), &ends->news);
	assert_true(ends->news.is_hung);
	assert_false(ends->news.is_ready);
	assert_false(ends->news.beats);
	assert_string_equal(ends->news.status, "");
}

static void message__that_is_empty_or_absent_or_long__says_nothing(void **state)
{
	struct ends *ends = *state;
	static char long_text[5000];

	notify_socket_read(ends->fd, getpid(), &ends->news);
	assert_false(ends->news.is_ready);
	memset(long_text, 'x', sizeof(long_text) - 1);
	memcpy(long_text, "STATUS=", 7);
	say(ends, long_text);
	say(ends, "\n\n");
	notify_socket_read(ends->fd, getpid(), &ends->news);
	assert_int_equal(strlen(ends->news.status), NOTIFY_STATUS - 1);
}

/* A child of the process, as a wrapper has one, is another process. */
static void message__of_another_process__does_not_count_and_is_named(void **state)
{
	struct ends *ends = *state;
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(sys_send(ends->sender, "READY=1", 7, 0) != 7);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	say(ends, "WATCHDOG=1");
	notify_socket_read(ends->fd, getpid(), &ends->news);
	assert_false(ends->news.is_ready);
	assert_true(ends->news.beats);
	assert_int_equal(ends->news.stranger, child);
	notify_socket_read(ends->fd, getpid(), &ends->news);
	assert_int_equal(ends->news.stranger, 0);
}

static void send_descriptor(const struct ends *ends, const char *text, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { (char *)(uintptr_t)text, strlen(text) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
	assert_int_equal(sys_sendmsg(ends->sender, &message, 0), strlen(text));
}

/* As sd_notify_barrier(3) sends one: the sender waits until it is closed. */
static void descriptor__is_closed_and_not_received(void **state)
{
	struct ends *ends = *state;
	struct pollfd barrier = { .events = POLLIN };
	int pair[2], next;

	assert_int_equal(pipe(pair), 0);
	next = dup(0);
	close(next);
	send_descriptor(ends, "READY=1", pair[1]);
	close(pair[1]);
	barrier.fd = pair[0];
	assert_int_equal(poll(&barrier, 1, 0), 0);
	notify_socket_read(ends->fd, getpid(), &ends->news);
	assert_true(ends->news.is_ready);
	assert_int_equal(poll(&barrier, 1, 10000), 1);
	close(pair[0]);
	assert_int_equal(sys_fcntl_int(pair[1], F_GETFD, 0), -1); /* nothing has come instead */
	assert_int_equal(sys_fcntl_int(next, F_GETFD, 0), -1);
}

static void flood__is_read_in_pieces(void **state)
{
	struct ends *ends = *state;
	unsigned sent = 0;

	while (sys_send(ends->sender, "WATCHDOG=1", 10, MSG_DONTWAIT) == 10)
		sent++;
	assert_true(sent > 0);
	for (unsigned i = 0; i <= sent; i++)
		notify_socket_read(ends->fd, getpid(), &ends->news);
	assert_false(ends->news.beats);
}

#define WITH_ENDS(test) cmocka_unit_test_setup_teardown(test, open_ends, close_ends)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ENDS(messages__are_read_line_by_line),
		WITH_ENDS(message__that_is_empty_or_absent_or_long__says_nothing),
		WITH_ENDS(message__of_another_process__does_not_count_and_is_named),
		WITH_ENDS(descriptor__is_closed_and_not_received),
		WITH_ENDS(flood__is_read_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
