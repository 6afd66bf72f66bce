/* SPDX-License-Identifier: MIT */
/* A client's calls. Draws nothing. */
#include "demo/dial.h"

#include <linux/sockios.h>

#include "base/clock.h"
#include "base/sys.h"

static void do_out(struct call *call)
{
	int fd = sys_socket(call->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | call->option, 0);

	call->option = 0;
	call->result = fd;
	if (fd < 0)
		return;
	if (sys_connect(fd, &call->addr.sa, call->addr.len) < 0)
		call->option = errno;
	if (sys_getsockname(fd, &call->addr.sa, &call->addr.len) < 0)
		call->result = -1;
}

static void do_bind(struct call *call)
{
	int fd = sys_socket(call->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	call->result = fd;
	if (fd >= 0 &&
	    sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &call->option, sizeof(int)) == 0 &&
	    sys_bind(fd, &call->addr.sa, call->addr.len) == 0 &&
	    sys_getsockname(fd, &call->addr.sa, &call->addr.len) == 0)
		return;
	error = errno;
	if (fd >= 0)
		sys_close(fd);
	errno = error;
	call->result = -1;
}

static void do_await_ack(struct call *call)
{
	int64_t until_ms = clock_ms() + call->wait_ms;
	int waiting = 0;

	do
		call->result = sys_ioctl(call->fd, SIOCOUTQ, &waiting);
	while (call->result == 0 && waiting > 0 && clock_ms() < until_ms &&
	       sys_poll(NULL, 0, 1) >= 0);
	if (call->result == 0)
		call->result = waiting;
}

struct call call_try_connect(const struct addr *to, int flags)
{
	return (struct call){
		.run = do_out, .name = "connect()", .fd = -1, .option = flags, .addr = *to
	};
}

struct call call_bind(const struct addr *at, bool reuse)
{
	return (struct call){
		.run = do_bind, .name = "bind()", .fd = -1, .option = reuse, .addr = *at
	};
}

struct call call_await_ack(int fd, int wait_ms)
{
	return (struct call){
		.run = do_await_ack, .name = "SIOCOUTQ", .fd = fd, .wait_ms = wait_ms
	};
}
