/* SPDX-License-Identifier: MIT */
/*
 * Which events epoll reports for a connection: reading and writing are asked for independently.
 * The epoll instance outlives its worker, so the record notes what is set. Worker only.
 */
#ifndef WORKER_WATCHING_H
#define WORKER_WATCHING_H

#include "worker/pool.h"

/* True when the worker reads from this side now, by the state and the flow control. */
static inline bool watching_reads(const struct conn *c)
{
	const struct record *r = c->record;

	if (r->is_connecting)
		return false;
	if (r->in_ended || r->state != CONN_OPEN)
		return r->state == CONN_PREFACE || r->state == CONN_LINGERING;
	/* another worker may have sent a buffer that its service would not have left full */
	if (r->flow == FLOW_PAUSED || buf_used(&c->in) == ARENA_BUF_SIZE)
		return false;
	return r->flow == FLOW_FREE || !conn_has_output(c->peer ? c->peer : c);
}

/* Sets the events that this side waits for. Returns false with errno set. */
bool watching_set(struct conn *c);

/* Sets just errors and hang-ups, which are always reported; does nothing when that fails. */
void watching_mute(struct pool *pool, struct record *r);

/* Removes this side from epoll. Returns false with errno set. */
bool watching_stop(struct pool *pool, struct record *r);

#endif
