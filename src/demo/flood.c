/* SPDX-License-Identifier: MIT */
/* Fills and drains connections; what the bytes are does not matter. Draws nothing. */
#include "demo/flood.h"

#include <linux/sockios.h>
#include <string.h>

#include "base/sys.h"

/*
 * The kernel doubles both, and would let an unbounded receive buffer grow. What is sent in all
 * must be more than the first window, which may be 64 KiB, and the receive buffer. The send buffer
 * is the default of net.core.wmem_max: more is not granted everywhere.
 */
enum { RECEIVE_BYTES = 64 << 10, SEND_BYTES = 212992, PIECE = 64 << 10 };

static void do_bound(struct order *order)
{
	int most = RECEIVE_BYTES;

	order->result = sys_setsockopt(order->fd, SOL_SOCKET, SO_RCVBUF, &most, sizeof(most));
	most = SEND_BYTES;
	if (order->result == 0)
		order->result =
			sys_setsockopt(order->fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof(most));
}

static void do_fill(struct order *order)
{
	static char piece[PIECE];
	int unsent = 0;
	ssize_t n;

	memset(piece, 'x', sizeof(piece));
	while ((n = sys_send(order->fd, piece, sizeof(piece), MSG_NOSIGNAL | MSG_DONTWAIT)) > 0 ||
	       (n < 0 && errno == EINTR))
		order->result += n > 0 ? n : 0;
	if (n < 0 && errno == EAGAIN && sys_ioctl(order->fd, SIOCOUTQNSD, &unsent) == 0)
		order->option = unsent;
	else
		order->result = -1;
}

static void do_drain(struct order *order)
{
	static char piece[PIECE];
	struct pollfd waiting = { .fd = order->fd, .events = POLLIN };
	int ready;
	ssize_t n;

	for (;;) {
		ready = sys_poll(&waiting, 1, order->wait_ms);
		if (ready == 0)
			break;
		n = sys_recv(order->fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (n > 0)
			order->result += n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
			order->option = n == 0 ? 0 : errno;
			return;
		}
	}
	order->option = ETIMEDOUT;
}

struct order flood_bound(int fd)
{
	return (struct order){ .act = do_bound, .call = "setsockopt()", .fd = fd };
}

struct order flood_fill(int fd)
{
	return (struct order){ .act = do_fill, .call = "send() loop", .fd = fd };
}

struct order flood_drain(int fd, int wait_ms)
{
	return (struct order){
		.act = do_drain, .call = "recv() loop", .fd = fd, .wait_ms = wait_ms
	};
}
