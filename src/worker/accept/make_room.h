/* SPDX-License-Identifier: MIT */
/*
 * Ends a connection for a new one when a worker is full (make_room): the one that has been longest
 * between messages. A walk over all records finds it and notes the next ones: this costs nothing
 * while there is room. Worker only.
 */
#ifndef WORKER_ACCEPT_MAKE_ROOM_H
#define WORKER_ACCEPT_MAKE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/oldest.h"
#include "worker/pool.h"

struct make_room {
	bool is_on;         /* the option make_room */
	struct oldest next; /* the connections to end next, in this order */
	unsigned at;        /* index of the first one not tried yet */
	int64_t again_ms;   /* after a walk that found none: no new walk before then */
};

/*
 * Returns true when a connection of the listener has a place; ends the connection that has been
 * longest between messages, if that is needed and allowed.
 */
bool make_room_for(struct make_room *room, struct pool *pool, uint32_t listener);

#endif
