/* SPDX-License-Identifier: MIT */
/* Makes the pairs, and asks the kernel about them. Must not close them. */
#include "net/packets.h"

#include "base/sys.h"
#include "net/listen_socket.h"

bool packets_open(int *refuses, int *takes)
{
	int pair[2];

	if (sys_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	listen_socket_refuse_descriptors(pair[0]);
	*refuses = pair[0];
	*takes = pair[1];
	return true;
}

bool packets_are_shut(int end)
{
	struct pollfd look = { .fd = end, .events = POLLRDHUP };

	return sys_poll(&look, 1, 0) == 1 && (look.revents & (POLLRDHUP | POLLHUP)) != 0;
}
