/* SPDX-License-Identifier: MIT */
/* Asks for and names the states of a TCP connection. */
#include "base/tcpstate.h"

#include "base/sys.h"

int sockdiag_tcp_state(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return -1;
	return info.tcpi_state;
}

const char *sockdiag_state_name(int state)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "ESTABLISHED",
		[TCP_SYN_SENT] = "SYN_SENT",
		[TCP_SYN_RECV] = "SYN_RECV",
		[TCP_FIN_WAIT1] = "FIN_WAIT1",
		[TCP_FIN_WAIT2] = "FIN_WAIT2",
		[TCP_TIME_WAIT] = "TIME_WAIT",
		[TCP_CLOSE] = "CLOSED",
		[TCP_CLOSE_WAIT] = "CLOSE_WAIT",
		[TCP_LAST_ACK] = "LAST_ACK",
		[TCP_LISTEN] = "LISTEN",
		[TCP_CLOSING] = "CLOSING",
	};

	if (state <= 0 || state >= (int)(sizeof(names) / sizeof(names[0])))
		return "unknown";
	return names[state];
}
