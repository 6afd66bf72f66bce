/* SPDX-License-Identifier: MIT */
/*
 * How many connections a worker and each of its listeners may have. A listener may reserve some
 * places for itself (listen.reserve); all listeners share the rest. Counts only: it knows no
 * connection. Worker only.
 */
#ifndef NET_CONN_LIMIT_H
#define NET_CONN_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/listener.h"

struct conn_limit {
	const struct listener_set *listeners;
	uint32_t *live;    /* connections of each listener */
	uint32_t total;    /* connections of all listeners */
	uint32_t most;     /* places */
	uint32_t reserved; /* places that listeners reserve and have not used yet */
};

/*
 * Starts with `most` places for the connections of these listeners, none in use. Returns false with
 * errno set. Allocates; conn_limit_stop frees.
 */
bool conn_limit_start(struct conn_limit *limit, const struct listener_set *listeners,
		      uint32_t most);
void conn_limit_stop(struct conn_limit *limit);

/* Counts a new connection of the listener; an ended one. */
void conn_limit_take(struct conn_limit *limit, uint32_t listener);
void conn_limit_give(struct conn_limit *limit, uint32_t listener);

/* True when a connection of the listener has a place. */
bool conn_limit_has(const struct conn_limit *limit, uint32_t listener);

/* The same for so many at once. */
bool conn_limit_has_room(const struct conn_limit *limit, uint32_t listener, uint32_t count);

/* True when only reserved places are left. */
bool conn_limit_is_full(const struct conn_limit *limit);

/* True when the listener's connections fit into its reserved places. */
bool conn_limit_is_within(const struct conn_limit *limit, uint32_t listener);

#endif
