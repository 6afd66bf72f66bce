/* SPDX-License-Identifier: MIT */
/*
 * How bytes of a connection move: the only calls that receive from its descriptor or send to it.
 * Plain sockets: recv(2), send(2). Each makes one call and never waits. Worker only.
 */
#ifndef WORKER_TRANSPORT_H
#define WORKER_TRANSPORT_H

#include "base/sys.h"
#include "worker/conn_record.h"

/* Receives into c->in, which has room: bytes, 0 at the client's end, -1 with errno. */
static inline ssize_t transport_receive(struct conn *c)
{
	ssize_t got = sys_recv(c->fd, c->in.base + c->in.end, buf_room(&c->in), 0);

	if (got > 0)
		c->in.end += (uint32_t)got;
	return got;
}

/* The same, and forgets what has come. */
static inline ssize_t transport_discard(const struct conn *c, const struct buf *waste)
{
	return sys_recv(c->fd, waste->base, waste->size, 0);
}

/* True when bytes have come that were not received yet. */
static inline bool transport_has_input(const struct conn *c)
{
	char byte;

	return sys_recv(c->fd, &byte, 1, MSG_PEEK) > 0;
}

/* Sends the bytes of c->out, as many as are taken now: how many, or -1 with errno. */
static inline ssize_t transport_send(struct conn *c)
{
	ssize_t sent = sys_send(c->fd, buf_head(&c->out), buf_used(&c->out), MSG_NOSIGNAL);

	if (sent > 0)
		buf_drop(&c->out, (size_t)sent);
	return sent;
}

#endif
