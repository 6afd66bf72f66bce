/* SPDX-License-Identifier: MIT */
/* Reads notifications. Must not trust them: a sender is checked by what the kernel says of it. */
#include "master/program/notify_socket.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/brief.h"
#include "base/sys.h"

enum { MESSAGES_AT_ONCE = 16, MESSAGE_SIZE = 4096 };

/* The kernel chooses the name (autobind, unix(7)): a NUL and five digits. */
static bool bind_anywhere(int fd, char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(address);

	if (sys_bind(fd, (const struct sockaddr *)&address, sizeof(address.sun_family)) < 0 ||
	    sys_getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return false;
	length -= (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1;
	snprintf(name, NOTIFY_NAME, "@%.*s", (int)length, address.sun_path + 1);
	return true;
}

int notify_socket_open(char *name)
{
	int fd = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, error;

	if (fd < 0)
		return -1;
	if (sys_setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == 0 &&
	    bind_anywhere(fd, name))
		return fd;
	error = errno;
	sys_close(fd);
	errno = error;
	return -1;
}

static void read_line(struct notify_news *news, const char *line)
{
	static const char status[] = "STATUS=";

	if (strcmp(line, "READY=1") == 0)
		news->is_ready = true;
	else if (strcmp(line, "WATCHDOG=1") == 0)
		news->beats = true;
	else if (strcmp(line, "WATCHDOG=trigger") == 0)
		news->is_hung = true;
	else if (strncmp(line, status, sizeof(status) - 1) == 0)
		snprintf(news->status, sizeof(news->status), "%s", line + sizeof(status) - 1);
}

static void read_lines(struct notify_news *news, char *text)
{
	char *end;

	for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		*end = '\0';
		read_line(news, text);
	}
	read_line(news, text);
}

/*
 * Returns the process that has sent it, or that root names as its sender; 0: unknown. The
 * credentials come first, and leave no room for descriptors, which the kernel then closes.
 */
static pid_t find_sender(const struct msghdr *message)
{
	const struct cmsghdr *head = CMSG_FIRSTHDR(message);
	struct ucred sender;

	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_CREDENTIALS)
		return 0;
	memcpy(&sender, CMSG_DATA(head), sizeof(sender));
	return sender.pid;
}

/* Returns false when there is no message. */
static bool read_message(int fd, pid_t pid, struct notify_news *news)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	char text[MESSAGE_SIZE + 1];
	struct iovec part = { text, MESSAGE_SIZE };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t got = sys_recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	pid_t sender;

	if (got < 0)
		return errno == EINTR;
	text[got] = '\0';
	sender = find_sender(&message);
	if (sender == pid)
		read_lines(news, text);
	else if (sender > 0)
		news->stranger = sender;
	return true;
}

void notify_socket_close(int fd)
{
	brief_close(fd); /* as below: messages may wait in it */
}

void notify_socket_read(int fd, pid_t pid, struct notify_news *news)
{
	struct brief brief;

	*news = (struct notify_news){ 0 };
	brief_begin(&brief); /* a message may hold the last descriptor of a socket that lingers */
	for (unsigned i = 0; i < MESSAGES_AT_ONCE; i++)
		if (!read_message(fd, pid, news))
			break;
	brief_end(&brief);
}
