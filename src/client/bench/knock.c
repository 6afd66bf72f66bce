/* SPDX-License-Identifier: MIT */
/* Makes sockets and connects them. Must not wait, and counts nothing. */
#include "client/bench/knock.h"

#include <netinet/tcp.h>

#include "base/sys.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

/* The port is chosen by connect(2), so that one serves several destinations. */
static bool bind_source(int fd, unsigned host)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host) };
	int yes = 1;

	return sys_setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes)) == 0 &&
	       sys_bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0;
}

/* The last part of a message is not to wait for more. */
static bool send_at_once(int fd, const struct addr *to)
{
	int yes = 1;

	return to->sa.sa_family == AF_UNIX ||
	       sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0;
}

int connect_socket(int *fd, const struct addr *to, int sources, int number)
{
	*fd = sys_socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0 || (sources > 0 && !bind_source(*fd, (unsigned)(number % sources))) ||
	    !send_at_once(*fd, to))
		return -1;
	if (sys_connect(*fd, &to->sa, to->len) == 0)
		return 1;
	if (errno != EINPROGRESS)
		return -1;
	/* on loopback the second call learns at once what epoll would tell later */
	if (sys_connect(*fd, &to->sa, to->len) == 0 || errno == EISCONN)
		return 1;
	return errno == EALREADY || errno == EINPROGRESS ? 0 : -1;
}
