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

#include "base/timer.h"
#include "worker/door/offer.h"

enum moving_state { MOVING_IDLE, MOVING_LEAVING, MOVING_SHARING };

struct moving {
	struct offer offer;
	enum moving_state state;
	struct timer_heap *alarms;
	struct alarm next; /* looks again */
	void (*done)(void *owner);
	void *owner;
	uint8_t *stays;    /* for each record: 1 + why it cannot move; 0: it can */
	unsigned count;    /* connections of the batch that was sent last */
	uint32_t cursor;   /* the next record to look at */
	uint32_t wanted;   /* SHARING: connections that are still to move */
	unsigned turn;     /* batches sent so far */
	uint32_t total;    /* connections when the moving began */
	uint32_t limit;    /* connections in a batch, since more were refused; 0: as usual */
	int64_t taken_us;  /* when the last batch was taken; before that: when the moving began */
	int64_t busy_us;   /* since when nothing can be sent to the receiver; 0: it can */
	unsigned receiver; /* its slot */
	enum move_cause cause;
	enum stay_reason reason;      /* why the last receiver took no more */
	struct receiver_mask refused; /* the receivers that take no more */
	struct receivers_full full;   /* of these, those that had no room ... */
	uint16_t listener;            /* ... for connections of that listener */
	bool was_silent;              /* one of them may take more in a moment */
	uint32_t moved, staying;
	bool is_stopping;
};

/* The most alarms that it sets at once. */
enum { MOVING_ALARMS = 1 };

/*
 * Prepares it; the caller sets offer.door, alarms, done and owner. Goes on with a batch that a dead
 * worker of the slot had sent. Returns false with errno set. Allocates.
 */
bool moving_start(struct moving *moving);

/*
 * Begins to move all connections; `done` is called when no more can move, maybe at once. Epoll may
 * then go on reporting those that have moved: the caller renews it (loop_renew).
 */
void moving_leave(struct moving *moving);

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
