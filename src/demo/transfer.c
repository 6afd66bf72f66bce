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

static struct call make(const char *name, int fd, int64_t from, size_t size)
{
	struct call call = { .name = name, .fd = fd, .size = size };

	memcpy(call.bytes, &from, sizeof(from));
	return call;
}

static int64_t position_of(const struct call *call)
{
	int64_t from;

	memcpy(&from, call->bytes, sizeof(from));
	return from;
}

/* The bytes to send, to be freed; NULL with errno. */
static char *stream_of(const struct call *call)
{
	int64_t from = position_of(call);
	char *stream = malloc(call->size);

	for (size_t i = 0; stream != NULL && i < call->size; i++)
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

static void do_send(struct call *call)
{
	char *stream = stream_of(call);

	call->result = -1;
	if (stream != NULL)
		call->result = sys_send(call->fd, stream, call->size, call->option | MSG_NOSIGNAL);
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

static void do_send_all(struct call *call)
{
	char *stream = stream_of(call);
	size_t done = 0;

	call->option = 0;
	while (stream != NULL && done < call->size && await(call->fd, POLLOUT, call->wait_ms)) {
		ssize_t n = sys_send(call->fd, stream + done, call->size - done,
				     MSG_NOSIGNAL | MSG_DONTWAIT);

		call->option++;
		if (n > 0)
			done += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			break;
	}
	call->result = (int64_t)done;
	free_keeping_errno(stream);
}

static void do_recv(struct call *call)
{
	char *bytes = malloc(call->size);

	call->result = -1;
	if (bytes != NULL)
		call->result = sys_recv(call->fd, bytes, call->size, call->option);
	if (call->result > 0 && !is_of_stream(bytes, position_of(call), (size_t)call->result)) {
		call->result = -1;
		errno = EBADMSG;
	}
	free_keeping_errno(bytes);
}

static void do_recv_all(struct call *call)
{
	int64_t from = position_of(call);
	char bytes[PIECE];
	size_t done = 0;

	call->option = 0;
	call->result = -1;
	while (done < call->size && await(call->fd, POLLIN, call->wait_ms)) {
		size_t left = call->size - done;
		ssize_t n = sys_recv(call->fd, bytes, left < PIECE ? left : PIECE, MSG_DONTWAIT);

		call->option++;
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
	call->result = (int64_t)done;
}

/* option is the request, size what is waited for. */
static void do_ask(struct call *call)
{
	int64_t until_ms = clock_ms() + call->wait_ms;
	int value = 0;

	do
		call->result = sys_ioctl(call->fd, (unsigned long)call->option, &value);
	while (call->result == 0 && value < (int)call->size && clock_ms() < until_ms &&
	       sys_poll(NULL, 0, 1) >= 0);
	if (call->result == 0)
		call->result = value;
}

static void do_segments(struct call *call)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	call->result = sys_getsockopt(call->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	if (call->result < 0)
		return;
	call->result = (int64_t)info.tcpi_data_segs_out - info.tcpi_total_retrans;
	if (size < offsetof(struct tcp_info, tcpi_delivery_rate)) {
		call->result = -1;
		errno = EOPNOTSUPP;
	}
}

struct call transfer_send(const char *name, int fd, int64_t from, size_t size, int flags)
{
	struct call call = make(name, fd, from, size);

	call.run = do_send;
	call.option = flags;
	return call;
}

struct call transfer_send_all(int fd, int64_t from, size_t size)
{
	struct call call = make("send()", fd, from, size);

	call.run = do_send_all;
	call.wait_ms = 5000;
	return call;
}

struct call transfer_recv(const char *name, int fd, int64_t from, size_t size, int flags)
{
	struct call call = make(name, fd, from, size);

	call.run = do_recv;
	call.option = flags;
	return call;
}

struct call transfer_recv_all(int fd, int64_t from, size_t size, int wait_ms)
{
	struct call call = make("recv()", fd, from, size);

	call.run = do_recv_all;
	call.wait_ms = wait_ms;
	return call;
}

static struct call ask(const char *name, int fd, int request)
{
	return (struct call){ .run = do_ask, .name = name, .fd = fd, .option = request };
}

struct call call_unread(int fd, int least, int wait_ms)
{
	struct call call = ask("SIOCINQ", fd, SIOCINQ);

	call.size = (size_t)least;
	call.wait_ms = wait_ms;
	return call;
}

struct call call_unacknowledged(int fd)
{
	return ask("SIOCOUTQ", fd, SIOCOUTQ);
}

struct call call_unsent(int fd)
{
	return ask("SIOCOUTQNSD", fd, SIOCOUTQNSD);
}

struct call call_segments(int fd)
{
	return (struct call){ .run = do_segments, .name = "TCP_INFO", .fd = fd };
}
