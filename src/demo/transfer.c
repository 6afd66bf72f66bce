/* SPDX-License-Identifier: MIT */
/* Sends, receives and frames streams of bytes. Must not draw. */
#include "demo/transfer.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/sys.h"

/*
 * The kernel doubles both limits, and would let an unlimited receive buffer grow. transfer_fill
 * must send more than the first window, which may be 64 KiB, and the receive buffer together. The
 * send buffer is the default of net.core.wmem_max: some systems do not grant more.
 */
enum { RECEIVE_BYTES = 64 << 10, SEND_BYTES = 212992, PIECE = 64 << 10, LENGTH_BYTES = 4 };

/* The bytes have no period that the size of a buffer or of a segment could hide. */
static char byte_at(int64_t position)
{
	return (char)((((uint64_t)position + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

static struct call make_call(const char *name, int fd, int64_t from, size_t size)
{
	struct call call = { .name = name, .fd = fd, .size = size };

	memcpy(call.bytes, &from, sizeof(from));
	return call;
}

static int64_t get_position(const struct call *call)
{
	int64_t from;

	memcpy(&from, call->bytes, sizeof(from));
	return from;
}

/* Returns the bytes to send, which the caller frees; NULL with errno set. */
static char *make_stream(const struct call *call)
{
	int64_t from = get_position(call);
	char *stream = malloc(call->size);

	for (size_t i = 0; stream != NULL && i < call->size; i++)
		stream[i] = byte_at(from + (int64_t)i);
	return stream;
}

static bool matches_stream(const char *bytes, int64_t from, size_t n)
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

static void run_stream_send(struct call *call)
{
	char *stream = make_stream(call);

	call->result = -1;
	if (stream != NULL)
		call->result = sys_send(call->fd, stream, call->size, call->option | MSG_NOSIGNAL);
	free_keeping_errno(stream);
}

static bool await_event(int fd, short event, int wait_ms)
{
	struct pollfd waiting = { .fd = fd, .events = event };
	int n;

	do
		n = sys_poll(&waiting, 1, wait_ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static void run_stream_send_all(struct call *call)
{
	char *stream = make_stream(call);
	size_t done = 0;

	call->option = 0;
	while (stream != NULL && done < call->size &&
	       await_event(call->fd, POLLOUT, call->wait_ms)) {
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

static void run_stream_recv(struct call *call)
{
	char *bytes = malloc(call->size);

	call->result = -1;
	if (bytes != NULL)
		call->result = sys_recv(call->fd, bytes, call->size, call->option);
	if (call->result > 0 && !matches_stream(bytes, get_position(call), (size_t)call->result)) {
		call->result = -1;
		errno = EBADMSG;
	}
	free_keeping_errno(bytes);
}

static void run_stream_recv_all(struct call *call)
{
	int64_t from = get_position(call);
	char bytes[PIECE];
	size_t done = 0;

	call->option = 0;
	call->result = -1;
	while (done < call->size && await_event(call->fd, POLLIN, call->wait_ms)) {
		size_t left = call->size - done;
		ssize_t n = sys_recv(call->fd, bytes, left < PIECE ? left : PIECE, MSG_DONTWAIT);

		call->option++;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		if (!matches_stream(bytes, from + (int64_t)done, (size_t)n)) {
			errno = EBADMSG;
			return;
		}
		done += (size_t)n;
	}
	call->result = (int64_t)done;
}

struct call transfer_send(const char *name, int fd, int64_t from, size_t size, int flags)
{
	struct call call = make_call(name, fd, from, size);

	call.run = run_stream_send;
	call.option = flags;
	return call;
}

struct call transfer_send_all(int fd, int64_t from, size_t size)
{
	struct call call = make_call("send()", fd, from, size);

	call.run = run_stream_send_all;
	call.wait_ms = 5000;
	return call;
}

struct call transfer_recv(const char *name, int fd, int64_t from, size_t size, int flags)
{
	struct call call = make_call(name, fd, from, size);

	call.run = run_stream_recv;
	call.option = flags;
	return call;
}

struct call transfer_recv_all(int fd, int64_t from, size_t size, int wait_ms)
{
	struct call call = make_call("recv()", fd, from, size);

	call.run = run_stream_recv_all;
	call.wait_ms = wait_ms;
	return call;
}

static void run_limit_buffers(struct call *call)
{
	int most = RECEIVE_BYTES;

	call->result = sys_setsockopt(call->fd, SOL_SOCKET, SO_RCVBUF, &most, sizeof(most));
	most = SEND_BYTES;
	if (call->result == 0)
		call->result = sys_setsockopt(call->fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof(most));
}

static void run_fill(struct call *call)
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

static void run_drain(struct call *call)
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
	return (struct call){ .run = run_limit_buffers, .name = "setsockopt()", .fd = fd };
}

struct call transfer_fill(int fd)
{
	return (struct call){ .run = run_fill, .name = "send() loop", .fd = fd };
}

struct call transfer_drain(int fd, int wait_ms)
{
	return (struct call){
		.run = run_drain, .name = "recv() loop", .fd = fd, .wait_ms = wait_ms
	};
}

size_t transfer_encode(bool by_length, const char *const *messages, unsigned count, char *stream)
{
	size_t used = 0;

	for (unsigned i = 0; i < count; i++) {
		size_t n = strlen(messages[i]);
		uint32_t prefix = htonl((uint32_t)n);

		BUG_ON(used + LENGTH_BYTES + n > TRANSFER_STREAM);
		if (by_length) {
			memcpy(stream + used, &prefix, LENGTH_BYTES);
			used += LENGTH_BYTES;
		}
		memcpy(stream + used, messages[i], n);
		used += n;
		if (!by_length)
			stream[used++] = '\n';
	}
	return used;
}

/*
 * Finds the message at the front, its place and length. Returns its size with the framing, 0 when
 * it is not whole.
 */
static size_t find_line(const struct transfer_decoder *decoder, size_t *begins, size_t *length)
{
	const char *end = memchr(decoder->pending, '\n', decoder->used);

	if (end == NULL)
		return 0;
	*begins = 0;
	*length = (size_t)(end - decoder->pending);
	return *length + 1;
}

static size_t find_by_length(const struct transfer_decoder *decoder, size_t *begins, size_t *length)
{
	uint32_t prefix;

	if (decoder->used < LENGTH_BYTES)
		return 0;
	memcpy(&prefix, decoder->pending, LENGTH_BYTES);
	*begins = LENGTH_BYTES;
	*length = ntohl(prefix);
	return decoder->used - LENGTH_BYTES >= *length ? LENGTH_BYTES + *length : 0;
}

static size_t find_message(const struct transfer_decoder *decoder, size_t *begins, size_t *length)
{
	return decoder->by_length ? find_by_length(decoder, begins, length) :
				    find_line(decoder, begins, length);
}

void transfer_decode(struct transfer_decoder *decoder, const char *bytes, size_t n)
{
	size_t taken, begins, length;

	if (n > sizeof(decoder->pending) - decoder->used)
		n = sizeof(decoder->pending) - decoder->used;
	memcpy(decoder->pending + decoder->used, bytes, n);
	decoder->used += n;
	while (decoder->count < TRANSFER_MESSAGES &&
	       (taken = find_message(decoder, &begins, &length)) > 0) {
		char *message = decoder->whole[decoder->count++];

		memcpy(message, decoder->pending + begins, length);
		message[length] = '\0';
		decoder->used -= taken;
		memmove(decoder->pending, decoder->pending + taken, decoder->used);
	}
}

bool transfer_decoded(const struct transfer_decoder *decoder, const char *const *messages,
		      unsigned count)
{
	bool same = decoder->count == count && decoder->used == 0;

	for (unsigned i = 0; same && i < count; i++)
		same = strcmp(decoder->whole[i], messages[i]) == 0;
	return same;
}
