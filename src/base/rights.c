/* SPDX-License-Identifier: MIT */
/*
 * Packs and unpacks control messages (cmsg(3)). It reads their layout by itself: CMSG_NXTHDR of
 * some C libraries skips a last message that is cut. Must not decide what a descriptor is good for.
 */
#include "base/rights.h"

#include <string.h>

#include "base/brief.h"
#include "base/sys.h"

#ifndef SCM_PIDFD /* headers older than 6.5 */
#define SCM_PIDFD 4
#endif

/* Options of the receiving socket add to a message: credentials, a pidfd, a label, a time. */
enum { OPTIONS_SIZE = 512, HEAD_SIZE = CMSG_LEN(0) };

union control {
	char room[CMSG_SPACE(RIGHTS_MOST * sizeof(int)) + OPTIONS_SIZE];
	struct cmsghdr head; /* of the first message, which aligns it */
};

static struct msghdr make_message(const struct iovec *parts, unsigned part_count)
{
	return (struct msghdr){ .msg_iov = (struct iovec *)parts, .msg_iovlen = part_count };
}

ssize_t rights_send(int by, const struct iovec *parts, unsigned part_count, const int *fds,
		    unsigned fd_count, int flags)
{
	struct msghdr message = make_message(parts, part_count);
	size_t size = fd_count * sizeof(*fds);
	union control control;

	if (fd_count > RIGHTS_MOST) {
		errno = EINVAL;
		return -1;
	}
	if (fd_count > 0) {
		control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(size),
						 .cmsg_level = SOL_SOCKET,
						 .cmsg_type = SCM_RIGHTS };
		memcpy(control.room + HEAD_SIZE, fds, size);
		message.msg_control = control.room;
		message.msg_controllen = CMSG_LEN(size);
	}
	return sys_sendmsg(by, &message, flags | MSG_NOSIGNAL);
}

static void close_fd(int fd)
{
	static const struct linger no_linger = { 0, 0 };

	(void)sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_linger, sizeof(no_linger));
	(void)sys_close(fd);
}

static void add_fds(struct rights *got, const char *data, size_t size)
{
	int fd;

	for (size_t at = 0; at + sizeof(fd) <= size; at += sizeof(fd)) {
		memcpy(&fd, data + at, sizeof(fd));
		if (got->count < RIGHTS_MOST) {
			got->fds[got->count++] = fd;
		} else {
			got->lacks_fds = true;
			close_fd(fd);
		}
	}
}

static void set_sender(struct rights *got, const char *data, size_t size)
{
	struct ucred credentials;

	if (size < sizeof(credentials))
		return;
	memcpy(&credentials, data, sizeof(credentials));
	got->sender = credentials.pid;
}

/* A process that shares the receiving socket can have asked for it (SO_PASSPIDFD). */
static void close_pidfd(const char *data, size_t size)
{
	int fd;

	if (size < sizeof(fd))
		return;
	memcpy(&fd, data, sizeof(fd));
	close_fd(fd);
}

static void read_control(struct rights *got, const char *room, size_t size)
{
	struct cmsghdr head;
	size_t length;

	for (size_t at = 0; at + sizeof(head) <= size; at += CMSG_ALIGN(length)) {
		memcpy(&head, room + at, sizeof(head));
		length = head.cmsg_len < size - at ? head.cmsg_len : size - at;
		if (length < HEAD_SIZE)
			return;
		if (head.cmsg_level != SOL_SOCKET)
			continue;
		if (head.cmsg_type == SCM_RIGHTS)
			add_fds(got, room + at + HEAD_SIZE, length - HEAD_SIZE);
		else if (head.cmsg_type == SCM_CREDENTIALS)
			set_sender(got, room + at + HEAD_SIZE, length - HEAD_SIZE);
		else if (head.cmsg_type == SCM_PIDFD)
			close_pidfd(room + at + HEAD_SIZE, length - HEAD_SIZE);
	}
}

void rights_drop(int by)
{
	struct brief brief;

	brief_begin(&brief);
	(void)!sys_recv(by, NULL, 0, MSG_DONTWAIT);
	brief_end(&brief);
}

/* The kernel closes the descriptors for which no number is free; the queue keeps what is peeked. */
static ssize_t receive_briefly(int by, struct msghdr *message, int flags)
{
	struct brief brief;
	ssize_t n;

	if ((flags & MSG_PEEK) != 0)
		return sys_recvmsg(by, message, flags);
	brief_begin(&brief);
	n = sys_recvmsg(by, message, flags);
	brief_end(&brief);
	return n;
}

ssize_t rights_receive(int by, const struct iovec *parts, unsigned part_count, struct rights *got,
		       int flags)
{
	struct msghdr message = make_message(parts, part_count);
	union control control;
	ssize_t n;

	message.msg_control = control.room;
	message.msg_controllen = sizeof(control.room);
	got->count = 0;
	got->sender = 0;
	got->is_cut = got->lacks_fds = false;
	n = receive_briefly(by, &message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -1;
	got->is_cut = (message.msg_flags & MSG_TRUNC) != 0;
	got->lacks_fds = (message.msg_flags & MSG_CTRUNC) != 0;
	read_control(got, control.room, message.msg_controllen);
	return n;
}

void rights_close(struct rights *got)
{
	struct brief brief;

	if (got->count == 0)
		return;
	brief_begin(&brief);
	for (unsigned i = 0; i < got->count; i++)
		close_fd(got->fds[i]);
	brief_end(&brief);
	got->count = 0;
}
