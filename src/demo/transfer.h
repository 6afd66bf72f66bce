/* SPDX-License-Identifier: MIT */
/*
 * Orders of many bytes, more than an order carries: the sender makes each byte from its position in
 * the stream, and the receiver compares. And orders that say where bytes stand: unread, not yet
 * acknowledged, not yet sent; and in how many segments they went. Any process of a lesson.
 */
#ifndef DEMO_TRANSFER_H
#define DEMO_TRANSFER_H

#include "demo/call.h"

/*
 * One send(2) of size bytes, those from that position of the stream on. Blocks unless flags has
 * MSG_DONTWAIT. call is the name to show, a constant.
 */
struct call transfer_send(const char *name, int fd, int64_t from, size_t size, int flags);

/*
 * The same in a loop: poll(2), and send what is left, until all is sent. The result is how much of
 * it was, option the number of calls of send(2).
 */
struct call transfer_send_all(int fd, int64_t from, size_t size);

/*
 * One recv(2) of at most size bytes, with these flags. -1 and EBADMSG when they are not those of
 * that position.
 */
struct call transfer_recv(const char *name, int fd, int64_t from, size_t size, int flags);

/*
 * The same in a loop, until size bytes came, the end, an error, or nothing for wait_ms. The
 * result is how much came, option the number of calls of recv(2). -1 as above.
 */
struct call transfer_recv_all(int fd, int64_t from, size_t size, int wait_ms);

/*
 * How many bytes wait in the receive buffer, to be read (tcp(7), SIOCINQ); waits until there are
 * `least` of them, at most wait_ms.
 */
struct call call_unread(int fd, int least, int wait_ms);

/*
 * How many bytes are in the send buffer: not yet acknowledged (SIOCOUTQ); not even sent
 * (SIOCOUTQNSD).
 */
struct call call_unacknowledged(int fd);
struct call call_unsent(int fd);

/*
 * In how many segments bytes were sent on this connection so far (TCP_INFO), repetitions not
 * counted. -1 and EOPNOTSUPP where it is not told.
 */
struct call call_segments(int fd);

#endif
