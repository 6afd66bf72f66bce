/* SPDX-License-Identifier: MIT */
/*
 * The system calls of the lessons. Decides nothing: what a call returned is what the lesson looks
 * at.
 */
#include "demo/order.h"

#include <stdio.h>
#include <string.h>

#include "base/sockdiag.h"
#include "base/sys.h"

/* What it found is seen again, and better, by the call that follows. */
static void wait_for(const struct order *order)
{
	struct pollfd waiting = { .fd = order->fd, .events = POLLIN };

	if (order->wait_ms > 0)
		sys_poll(&waiting, 1, order->wait_ms);
}

static void do_close(struct order *order)
{
	order->result = sys_close(order->fd);
}

static void do_shutdown(struct order *order)
{
	order->result = sys_shutdown(order->fd, order->option);
}

static void do_send(struct order *order)
{
	order->result = sys_send(order->fd, order->bytes, order->size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void do_recv(struct order *order)
{
	size_t most = order->size < ORDER_BYTES ? order->size : ORDER_BYTES;

	wait_for(order);
	order->result = sys_recv(order->fd, order->bytes, most, MSG_DONTWAIT);
	order->size = order->result > 0 ? (size_t)order->result : 0;
}

/*
 * Whether the listening socket waits is a flag of the socket, shared by all who hold it: poll
 * first.
 */
static void do_accept(struct order *order)
{
	order->addr.len = sizeof(order->addr.un);
	wait_for(order);
	order->result = sys_accept4(order->fd, &order->addr.sa, &order->addr.len, SOCK_CLOEXEC);
}

static void do_state(struct order *order)
{
	order->result = sockdiag_tcp_state(order->fd);
}

static void do_connect(struct order *order)
{
	int fd = sys_socket(order->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	order->result = fd;
	if (fd < 0 || sys_connect(fd, &order->addr.sa, order->addr.len) == 0)
		return;
	error = errno;
	sys_close(fd);
	errno = error;
	order->result = -1;
}

struct order order_close(int fd)
{
	return (struct order){ .act = do_close, .call = "close()", .fd = fd };
}

struct order order_shutdown(int fd, int how)
{
	static const char *const calls[] = {
		[SHUT_RD] = "shutdown(RD)",
		[SHUT_WR] = "shutdown(WR)",
		[SHUT_RDWR] = "shutdown(RDWR)",
	};

	return (struct order){ .act = do_shutdown, .call = calls[how], .fd = fd, .option = how };
}

struct order order_send(int fd, const char *text)
{
	struct order order = { .act = do_send, .call = "send()", .fd = fd };

	order.size = strnlen(text, sizeof(order.bytes));
	memcpy(order.bytes, text, order.size);
	return order;
}

struct order order_recv(int fd, size_t most, int wait_ms)
{
	return (struct order){
		.act = do_recv, .call = "recv()", .fd = fd, .size = most, .wait_ms = wait_ms
	};
}

struct order order_accept(int fd, int wait_ms)
{
	return (struct order){ .act = do_accept, .call = "accept()", .fd = fd, .wait_ms = wait_ms };
}

struct order order_state(int fd)
{
	return (struct order){ .act = do_state, .call = "TCP_INFO", .fd = fd };
}

struct order order_connect(const struct addr *to)
{
	return (struct order){ .act = do_connect, .call = "connect()", .fd = -1, .addr = *to };
}

void order_do(struct order *order)
{
	errno = 0;
	order->act(order);
	order->error = order->result < 0 ? errno : 0;
}

bool order_takes(const struct order *order)
{
	return (order->act == do_connect || order->act == do_accept) && order->result >= 0;
}

bool order_drops(const struct order *order)
{
	return order->act == do_close && order->result == 0;
}

bool order_says(const struct order *order, const char *word)
{
	size_t n = strlen(word);

	return order->result == (int64_t)n && memcmp(order->bytes, word, n) == 0;
}

const char *order_text(const struct order *order, char *text)
{
	enum { SHOWN = 16 };
	int n = (int)order->size;

	if (order->result < 0)
		snprintf(text, ORDER_TEXT, "%s = %s", order->call, err_name(order->error));
	else if (order->act == do_recv && n > 0)
		snprintf(text, ORDER_TEXT, "%s = %d \"%.*s%s\"", order->call, n,
			 n < SHOWN ? n : SHOWN, order->bytes, n > SHOWN ? "..." : "");
	else if (order->act == do_connect)
		snprintf(text, ORDER_TEXT, "%s = 0", order->call);
	else
		snprintf(text, ORDER_TEXT, "%s = %d", order->call, (int)order->result);
	return text;
}
