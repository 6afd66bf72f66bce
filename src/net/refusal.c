/* SPDX-License-Identifier: MIT */
/*
 * It reads nothing: the kernel drops the bytes (MSG_TRUNC, tcp(7)). The end goes out before: bytes
 * that come only now are unread when the socket is closed, and the reset for them comes too late to
 * hide the end.
 */
#include "net/refusal.h"

#include "base/sys.h"

enum { DROPPED_MOST = 64 * 1024 };

void refusal_prepare(int fd, bool is_reset)
{
	static const struct linger at_once = { .l_onoff = 1 };

	if (is_reset)
		(void)sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	else if (sys_shutdown(fd, SHUT_WR) == 0)
		(void)!sys_recv(fd, NULL, DROPPED_MOST, MSG_TRUNC | MSG_DONTWAIT);
}
