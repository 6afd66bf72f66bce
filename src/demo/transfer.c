/* SPDX-License-Identifier: MIT */
/*
 * Sends and receives a stream whose bytes anyone can compute, and asks for its queues. Draws
 * nothing.
 */
#include "demo/transfer.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"

enum { PIECE = 65536 };

/* Of that position: without a period that the size of a buffer or of a segment could hide. */
static char byte_at(int64_t position)
{
	return (char)((((uint64_t)position + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

static struct order make(const char *call, int fd, int64_t from, size_t size)
{
	struct order order = { .call = call, .fd = fd, .size = size };

	memcpy(order.bytes, &from, sizeof(from));
	return order;
}

static int64_t position_of(const struct order *order)
{
	int64_t from;

	memcpy(&from, order->bytes, sizeof(from));
	return from;
}

/* The bytes to send, to be freed; NULL with errno. */
static char *stream_of(const struct order *order)
{
	int64_t from = position_of(order);
	char *stream = malloc(order->size);

	for (size_t i = 0; stream != NULL && i < order->size; i++)
		stream[i] = byte_at(from + (int64_t)i);
	return stream;
}

static bool is_of_stream(const char *bytes, int64_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != byte_at(from + (int64_t)i))
			return false;
	return true;
}

static void free_keeping_errno(void *memory)
{
	int error = errno;

	free(memory);
	errno = error;
}

static void do_send(struct order *order)
{
	char *stream = stream_of(order);

	order->result = -1;
	if (stream != NULL)
		order->result =
			sys_send(order->fd, stream, order->size, order->option | MSG_NOSIGNAL);
	free_keeping_errno(stream);
}

static bool await(int fd, short event, int wait_ms)
{
	struct pollfd waiting = { .fd = fd, .events = event };
	int n;

	do
		n = sys_poll(&waiting, 1, wait_ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static void do_send_all(struct order *order)
{
	char *stream = stream_of(order);
	size_t done = 0;

	order->option = 0;
	while (stream != NULL && done < order->size && await(order->fd, POLLOUT, order->wait_ms)) {
		ssize_t n = sys_send(order->fd, stream + done, order->size - done,
				     MSG_NOSIGNAL | MSG_DONTWAIT);

		order->option++;
		if (n > 0)
			done += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			break;
	}
	order->result = (int64_t)done;
	free_keeping_errno(stream);
}

static void do_recv(struct order *order)
{
	char *bytes = malloc(order->size);

	order->result = -1;
	if (bytes != NULL)
		order->result = sys_recv(order->fd, bytes, order->size, order->option);
	if (order->result > 0 && !is_of_stream(bytes, position_of(order), (size_t)order->result)) {
		order->result = -1;
		errno = EBADMSG;
	}
	free_keeping_errno(bytes);
}

static void do_recv_all(struct order *order)
{
	int64_t from = position_of(order);
	char bytes[PIECE];
	size_t done = 0;

	order->option = 0;
	order->result = -1;
	while (done < order->size && await(order->fd, POLLIN, order->wait_ms)) {
		size_t left = order->size - done;
		ssize_t n = sys_recv(order->fd, bytes, left < PIECE ? left : PIECE, MSG_DONTWAIT);

		order->option++;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		if (!is_of_stream(bytes, from + (int64_t)done, (size_t)n)) {
			errno = EBADMSG;
			return;
		}
		done += (size_t)n;
	}
	order->result = (int64_t)done;
}

/* option is the request, size what is waited for. */
static void do_ask(struct order *order)
{
	int64_t until_ms = clock_ms() + order->wait_ms;
	int value = 0;

	do
		order->result = sys_ioctl(order->fd, (unsigned long)order->option, &value);
	while (order->result == 0 && value < (int)order->size && clock_ms() < until_ms &&
	       sys_poll(NULL, 0, 1) >= 0);
	if (order->result == 0)
		order->result = value;
}

static void do_segments(struct order *order)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	order->result = sys_getsockopt(order->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	if (order->result < 0)
		return;
	order->result = (int64_t)info.tcpi_data_segs_out - info.tcpi_total_retrans;
	if (size < offsetof(struct tcp_info, tcpi_delivery_rate)) {
		order->result = -1;
		errno = EOPNOTSUPP;
	}
}

struct order bulk_send(const char *call, int fd, int64_t from, size_t size, int flags)
{
	struct order order = make(call, fd, from, size);

	order.act = do_send;
	order.option = flags;
	return order;
}

struct order bulk_send_all(int fd, int64_t from, size_t size)
{
	struct order order = make("send()", fd, from, size);

	order.act = do_send_all;
	order.wait_ms = 5000;
	return order;
}

struct order bulk_recv(const char *call, int fd, int64_t from, size_t size, int flags)
{
	struct order order = make(call, fd, from, size);

	order.act = do_recv;
	order.option = flags;
	return order;
}

struct order bulk_recv_all(int fd, int64_t from, size_t size, int wait_ms)
{
	struct order order = make("recv()", fd, from, size);

	order.act = do_recv_all;
	order.wait_ms = wait_ms;
	return order;
}

static struct order ask(const char *call, int fd, int request)
{
	return (struct order){ .act = do_ask, .call = call, .fd = fd, .option = request };
}

struct order bulk_unread(int fd, int least, int wait_ms)
{
	struct order order = ask("SIOCINQ", fd, SIOCINQ);

	order.size = (size_t)least;
	order.wait_ms = wait_ms;
	return order;
}

struct order bulk_unacknowledged(int fd)
{
	return ask("SIOCOUTQ", fd, SIOCOUTQ);
}

struct order bulk_unsent(int fd)
{
	return ask("SIOCOUTQNSD", fd, SIOCOUTQNSD);
}

struct order bulk_segments(int fd)
{
	return (struct order){ .act = do_segments, .call = "TCP_INFO", .fd = fd };
}
