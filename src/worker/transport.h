/* SPDX-License-Identifier: MIT */
/*
 * The only calls that receive from a connection's descriptor or send to it. Plain sockets: recv(2),
 * send(2). Each makes one call and never blocks. Worker only.
 */
#ifndef WORKER_TRANSPORT_H
#define WORKER_TRANSPORT_H

#include "base/sys.h"
#include "worker/conn_record.h"

/*
 * Receives into c->in, which must have room: returns bytes, 0 at the client's end, -1 with errno
 * set.
 */
static inline ssize_t transport_receive(struct conn *c)
{
	ssize_t got = sys_recv(c->fd, c->in.base + c->in.end, buf_room(&c->in), 0);

	if (got > 0)
		c->in.end += (uint32_t)got;
	return got;
}

/* The same, but drops the bytes. */
static inline ssize_t transport_discard(const struct conn *c, const struct buf *waste)
{
	return sys_recv(c->fd, waste->base, waste->size, 0);
}

/* True when unread bytes have come. */
static inline bool transport_has_input(const struct conn *c)
{
	char byte;

	return sys_recv(c->fd, &byte, 1, MSG_PEEK) > 0;
}

/* Sends the bytes of c->out that the kernel takes now: returns how many, or -1 with errno set. */
static inline ssize_t transport_send(struct conn *c)
{
	ssize_t sent = sys_send(c->fd, buf_head(&c->out), buf_used(&c->out), MSG_NOSIGNAL);

	if (sent > 0)
		buf_drop(&c->out, (size_t)sent);
	return sent;
}

#endif
