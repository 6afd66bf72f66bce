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

static void do_bound(struct call *call)
{
	int most = RECEIVE_BYTES;

	call->result = sys_setsockopt(call->fd, SOL_SOCKET, SO_RCVBUF, &most, sizeof(most));
	most = SEND_BYTES;
	if (call->result == 0)
		call->result = sys_setsockopt(call->fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof(most));
}

static void do_fill(struct call *call)
{
	static char piece[PIECE];
	int unsent = 0;
	ssize_t n;

	memset(piece, 'x', sizeof(piece));
	while ((n = sys_send(call->fd, piece, sizeof(piece), MSG_NOSIGNAL | MSG_DONTWAIT)) > 0 ||
	       (n < 0 && errno == EINTR))
		call->result += n > 0 ? n : 0;
	if (n < 0 && errno == EAGAIN && sys_ioctl(call->fd, SIOCOUTQNSD, &unsent) == 0)
		call->option = unsent;
	else
		call->result = -1;
}

static void do_drain(struct call *call)
{
	static char piece[PIECE];
	struct pollfd waiting = { .fd = call->fd, .events = POLLIN };
	int ready;
	ssize_t n;

	for (;;) {
		ready = sys_poll(&waiting, 1, call->wait_ms);
		if (ready == 0)
			break;
		n = sys_recv(call->fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (n > 0)
			call->result += n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
			call->option = n == 0 ? 0 : errno;
			return;
		}
	}
	call->option = ETIMEDOUT;
}

struct call transfer_limit_buffers(int fd)
{
	return (struct call){ .run = do_bound, .name = "setsockopt()", .fd = fd };
}

struct call transfer_fill(int fd)
{
	return (struct call){ .run = do_fill, .name = "send() loop", .fd = fd };
}

struct call transfer_drain(int fd, int wait_ms)
{
	return (struct call){
		.run = do_drain, .name = "recv() loop", .fd = fd, .wait_ms = wait_ms
	};
}
