/* SPDX-License-Identifier: MIT */
/*
 * More bytes than a call carries (call.h), and messages in a stream of bytes. Any process of a
 * lesson.
 *
 * transfer_send and transfer_recv: the sender computes each byte from its position in the stream,
 * and the receiver compares.
 *
 * transfer_fill and transfer_drain make a short state last: the last bytes of a side, and its FIN,
 * wait behind the bytes that the other side has no room for.
 *
 * transfer_encode and transfer_decode: the two usual framings, in minimal form: lines, each ended
 * by a newline, and lengths, a number of 4 bytes (network order) before each message. Pure
 * functions.
 */
#ifndef DEMO_TRANSFER_H
#define DEMO_TRANSFER_H

#include "demo/call.h"

/*
 * One send(2) of size bytes, from that position of the stream on. Blocks unless flags has
 * MSG_DONTWAIT. name is for the diagram, a constant.
 */
struct call transfer_send(const char *name, int fd, int64_t from, size_t size, int flags);

/*
 * The same in a loop: poll(2), then send the rest, until all is sent. The result is the number of
 * bytes sent, option the number of calls of send(2).
 */
struct call transfer_send_all(int fd, int64_t from, size_t size);

/*
 * One recv(2) of at most size bytes, with these flags. -1 and EBADMSG when they are not the bytes
 * of that position.
 */
struct call transfer_recv(const char *name, int fd, int64_t from, size_t size, int flags);

/*
 * The same in a loop, until size bytes, the end or an error, or wait_ms without bytes. The result
 * is the number of bytes, option the number of calls of recv(2). -1 as above.
 */
struct call transfer_recv_all(int fd, int64_t from, size_t size, int wait_ms);

/*
 * Limits the buffers of a socket before it is used: transfer_fill then sends more than the other
 * end has room for, and no more than some hundred KiB. An accepted socket has the limits of its
 * listening socket.
 */
struct call transfer_limit_buffers(int fd);

/*
 * Sends without blocking until the send buffer is full. The result is the number of bytes that
 * send(2) took, option the number of those that have not left this end.
 */
struct call transfer_fill(int fd);

/*
 * Receives until the end, an error, or wait_ms without bytes. The result is the number of bytes,
 * option the reason: 0 for the end, ETIMEDOUT, or the errno of recv(2).
 */
struct call transfer_drain(int fd, int wait_ms);

enum { TRANSFER_STREAM = 64, TRANSFER_MESSAGES = 8 };

/* Collects bytes and makes messages of them; at first all zero except by_length. */
struct transfer_decoder {
	bool by_length; /* else by lines */
	char pending[TRANSFER_STREAM];
	size_t used; /* bytes in pending, of a message that is not whole */
	char whole[TRANSFER_MESSAGES][TRANSFER_STREAM];
	unsigned count; /* of the messages */
};

/*
 * Writes the framed messages to stream (TRANSFER_STREAM bytes, which must be enough); returns the
 * number of bytes.
 */
size_t transfer_encode(bool by_length, const char *const *messages, unsigned count, char *stream);

/* Takes n bytes, cut anywhere. Bytes that the decoder has no room for are dropped. */
void transfer_decode(struct transfer_decoder *decoder, const char *bytes, size_t n);

/* True when it has made exactly these messages, and no bytes are left. */
bool transfer_decoded(const struct transfer_decoder *decoder, const char *const *messages,
		      unsigned count);

#endif
