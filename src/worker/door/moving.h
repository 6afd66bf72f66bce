/* SPDX-License-Identifier: MIT */
/*
 * Moves connections to other workers: all of them when this worker leaves, or some when it has far
 * more than the others. It chooses the connections and the receivers, one batch after the other:
 *
 *   IDLE --moving_leave--> LEAVING --nothing is left that can move, or moving_stop--> IDLE
 *   IDLE --rebalance-----> SHARING --enough have moved, or no receiver takes more---> IDLE
 *
 * Worker only.
 */
#ifndef WORKER_DOOR_MOVING_H
#define WORKER_DOOR_MOVING_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/door/move.h"

/* The most alarms that it sets at once. */
enum { MOVING_ALARMS = 1 };

/*
 * Prepares it; the caller sets offer.door, alarms, done and owner. Goes on with a batch that a dead
 * worker of the slot had sent. Returns false with errno set. Allocates.
 */
bool moving_start(struct moving *moving);

/*
 * Begins to move all connections; `done` is called when no more can move, maybe at once. Receivers
 * that do not answer are waited for until until_ms (clock_ms()). Epoll may then go on reporting
 * those that have moved: the caller renews it (loop_renew).
 */
void moving_leave(struct moving *moving, int64_t until_ms);

/*
 * Begins to move so many connections that are between messages to the worker in that slot. Does
 * nothing while connections move already.
 */
void moving_share(struct moving *moving, unsigned slot, uint32_t count);

/* No further batch is sent; `done` is called once the last one is decided. */
void moving_stop(struct moving *moving);

/* Another worker may have decided on the batch. */
void moving_look(struct moving *moving);

#endif
