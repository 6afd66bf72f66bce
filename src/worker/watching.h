/* SPDX-License-Identifier: MIT */
/*
 * Which events epoll reports for a connection: reading and writing are asked for independently.
 * The epoll instance outlives its worker, so the record notes what is set. Worker only.
 */
#ifndef WORKER_WATCHING_H
#define WORKER_WATCHING_H

#include "worker/pool.h"

/* True when the worker reads from this side now, by the state and the flow control. */
bool watching_reads(const struct conn *c);

/* Sets the events that this side waits for. Returns false with errno set. */
bool watching_set(struct conn *c);

/* Sets just errors and hang-ups, which are always reported; does nothing when that fails. */
void watching_mute(struct pool *pool, struct record *r);

/* Removes this side from epoll. Returns false with errno set. */
bool watching_stop(struct pool *pool, struct record *r);

#endif
