/* SPDX-License-Identifier: MIT */
/*
 * The places of a worker: who may have the next one, and which connection gives its own up. Each
 * listener may keep some for itself (listen.reserve); the rest is everybody's.
 *
 * When none is left, the connection that has been longest between messages makes room (make_room).
 * It is found by a walk over all records, which also notes the next ones to go: nothing is paid for
 * it while there is room.
 */
#ifndef WORKER_CONN_LIMIT_H
#define WORKER_CONN_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/oldest.h"

struct pool;
struct conn;

struct conn_limit {
	uint32_t *live;     /* connections of each listener */
	uint32_t reserved;  /* places that listeners keep and have not used yet */
	bool is_made;       /* make_room */
	struct oldest next; /* who go next, in this order */
	unsigned at;        /* of these, the first that has not been asked */
	int64_t again_ms;   /* no connection could go: not looked for before then */
};

/* Of all->listeners, with no connection yet. False with errno. Allocates; conn_limit_stop frees. */
bool conn_limit_start(struct pool *pool, bool is_made);
void conn_limit_stop(struct pool *pool);

/* A connection of the listener has come; has gone. */
void conn_limit_take(struct pool *pool, uint32_t listener);
void conn_limit_give(struct pool *pool, uint32_t listener);

/* True when a connection of the listener has a place. */
bool conn_limit_has(const struct pool *pool, uint32_t listener);

/* True when only reserved places are left. */
bool conn_limit_is_full(const struct pool *pool);

/*
 * As conn_limit_has, after ending the connection that has been longest between messages, if one may
 * go.
 */
bool dispatch_make_room(struct pool *pool, uint32_t listener);

#endif
