/* SPDX-License-Identifier: MIT */
/*
 * Which connection gives up its place when a worker is full (make_room): the one that has been
 * longest between messages. A walk over all records finds it and notes the next ones to go: nothing
 * is paid for it while there is room. Worker only.
 */
#ifndef WORKER_MAKE_ROOM_H
#define WORKER_MAKE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/pool.h"

struct make_room {
	bool is_on;              /* the option */
	struct pool_oldest next; /* the connections that go next, in this order */
	unsigned at;             /* of these, the first that has not been asked */
	int64_t again_ms;        /* no connection could go: not looked for before then */
};

/*
 * True when a connection of the listener has a place, after ending the connection that has been
 * longest between messages, if one may go.
 */
bool make_room_for(struct make_room *room, struct pool *pool, uint32_t listener);

#endif
