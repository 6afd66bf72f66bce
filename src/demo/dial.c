/* SPDX-License-Identifier: MIT */
/* A client's calls. Draws nothing. */
#include "demo/dial.h"

#include <linux/sockios.h>

#include "base/clock.h"
#include "base/sys.h"

static void do_out(struct order *order)
{
	int fd =
		sys_socket(order->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | order->option, 0);

	order->option = 0;
	order->result = fd;
	if (fd < 0)
		return;
	if (sys_connect(fd, &order->addr.sa, order->addr.len) < 0)
		order->option = errno;
	if (sys_getsockname(fd, &order->addr.sa, &order->addr.len) < 0)
		order->result = -1;
}

static void do_bind(struct order *order)
{
	int fd = sys_socket(order->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	order->result = fd;
	if (fd >= 0 &&
	    sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &order->option, sizeof(int)) == 0 &&
	    sys_bind(fd, &order->addr.sa, order->addr.len) == 0 &&
	    sys_getsockname(fd, &order->addr.sa, &order->addr.len) == 0)
		return;
	error = errno;
	if (fd >= 0)
		sys_close(fd);
	errno = error;
	order->result = -1;
}

static void do_await_ack(struct order *order)
{
	int64_t until_ms = clock_ms() + order->wait_ms;
	int waiting = 0;

	do
		order->result = sys_ioctl(order->fd, SIOCOUTQ, &waiting);
	while (order->result == 0 && waiting > 0 && clock_ms() < until_ms &&
	       sys_poll(NULL, 0, 1) >= 0);
	if (order->result == 0)
		order->result = waiting;
}

struct order dial_out(const struct addr *to, int flags)
{
	return (struct order){
		.act = do_out, .call = "connect()", .fd = -1, .option = flags, .addr = *to
	};
}

struct order dial_bind(const struct addr *at, bool reuse)
{
	return (struct order){
		.act = do_bind, .call = "bind()", .fd = -1, .option = reuse, .addr = *at
	};
}

struct order dial_await_ack(int fd, int wait_ms)
{
	return (struct order){
		.act = do_await_ack, .call = "SIOCOUTQ", .fd = fd, .wait_ms = wait_ms
	};
}
