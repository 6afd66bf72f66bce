/* SPDX-License-Identifier: MIT */
/*
 * A minimal server on epoll(7), as a baseline: one process, level-triggered, no timers, no limits,
 * no counters, no log. It must do no more than the kernel requires and no less than its clients can
 * see. Prints its port and serves 127.0.0.1 until it is killed. Started by peers.py.
 *
 *   minimal echo|ack|oneshot|close-after [REPLY]
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/sys.h"

enum { BATCH = 64, BUFFER = 64 * 1024 };

static char buffer[BUFFER];
static const char *reply = "ok"; /* set by main alone */
static size_t reply_length;      /* set by main alone */

static void watch(int epfd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (sys_epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) < 0)
		sys_close(fd);
}

/* A client that does not take an answer at once is closed: the load generator always takes it. */
static bool say(int fd, const char *bytes, size_t n)
{
	return sys_send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void echo(int epfd, int fd)
{
	ssize_t got = sys_recv(fd, buffer, BUFFER, 0);

	(void)epfd;
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0 || !say(fd, buffer, (size_t)got))
		sys_close(fd);
}

static void ack(int epfd, int fd)
{
	ssize_t got = sys_recv(fd, buffer, BUFFER, 0);

	(void)epfd;
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0 || !say(fd, reply, reply_length))
		sys_close(fd);
}

/* Bytes that have already arrived are answered before epoll watches the connection. */
static void ack_then_watch(int epfd, int fd)
{
	ssize_t got = sys_recv(fd, buffer, BUFFER, 0);

	if ((got < 0 && errno == EAGAIN) || (got > 0 && say(fd, reply, reply_length)))
		watch(epfd, fd);
	else
		sys_close(fd);
}

static void say_and_close(int epfd, int fd)
{
	(void)epfd;
	say(fd, reply, reply_length);
	sys_close(fd);
}

static const struct mode {
	const char *name;
	void (*accepted)(int epfd, int fd);
	void (*ready)(int epfd, int fd);
} modes[] = {
	{ "echo", watch, echo },
	{ "ack", watch, ack },
	{ "oneshot", ack_then_watch, ack },
	{ "close-after", say_and_close, NULL },
};

static int open_listener(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(in);
	int fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0 || sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) < 0 ||
	    sys_bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 || sys_listen(fd, 4096) < 0 ||
	    sys_getsockname(fd, (struct sockaddr *)&in, &length) < 0) {
		fprintf(stderr, "minimal: 127.0.0.1:0: cannot listen: %s\n", strerror(errno));
		return -1;
	}
	printf("%d\n", ntohs(in.sin_port));
	fflush(stdout);
	return fd;
}

static void turn(const struct mode *mode, int epfd, int listener)
{
	struct epoll_event batch[BATCH];
	int count = sys_epoll_wait(epfd, batch, BATCH, -1);

	for (int i = 0; i < count; i++) {
		int fd = batch[i].data.fd;

		if (fd != listener) {
			mode->ready(epfd, fd);
			continue;
		}
		fd = sys_accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			mode->accepted(epfd, fd);
	}
}

static const struct mode *find(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(name, modes[i].name) == 0)
			return &modes[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct mode *mode = argc > 1 ? find(argv[1]) : NULL;
	int epfd, listener;

	if (!mode || argc > 3) {
		fprintf(stderr, "usage: minimal echo|ack|oneshot|close-after [REPLY]\n");
		return CODE_USAGE;
	}
	if (argc > 2)
		reply = argv[2];
	reply_length = strlen(reply);
	listener = open_listener();
	if (listener < 0)
		return CODE_UNAVAILABLE;
	epfd = sys_epoll_create1(EPOLL_CLOEXEC);
	if (epfd < 0) {
		fprintf(stderr, "minimal: cannot make an epoll: %s\n", strerror(errno));
		return CODE_OSERR;
	}
	watch(epfd, listener);
	for (;;)
		turn(mode, epfd, listener);
}
