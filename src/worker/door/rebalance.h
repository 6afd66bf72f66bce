/* SPDX-License-Identifier: MIT */
/*
 * When a worker moves connections to lighter ones: looks at the loads now and then, and hands over
 * what it has beyond the mean, or makes room when it is full. A worker with short connections never
 * has so many more for so long. Worker only.
 */
#ifndef WORKER_DOOR_REBALANCE_H
#define WORKER_DOOR_REBALANCE_H

#include <stdint.h>

#include "base/timer.h"
#include "worker/door/moving.h"

struct rebalance {
	struct moving *moving;
	struct timer_heap *alarms;
	struct alarm look;
	uint32_t least; /* connections of this worker at its lightest since the last look */
};

/* The most alarms that it sets at once. */
enum { REBALANCE_ALARMS = 1 };

/* Starts to look, unless the options forbid it. The caller sets moving and alarms. */
void rebalance_start(struct rebalance *rebalance);

/* After each turn of the loop: notes the load. */
static inline void rebalance_note(struct rebalance *rebalance, uint32_t live)
{
	if (live < rebalance->least)
		rebalance->least = live;
}

/*
 * Of these loads, which belong to workers that accept: how many connections to give, and to which.
 */
struct rebalance_share {
	uint32_t count;    /* 0: none */
	unsigned receiver; /* index into the loads */
};

/*
 * loads[own] is the least that this worker had. The lightest worker gets from each worker with a
 * surplus its part of what the lightest lacks. Pure.
 */
struct rebalance_share rebalance_find(const uint32_t *loads, unsigned count, unsigned own);

/*
 * The same when loads[own] is all that the worker has places for: it makes room, however little the
 * others have less, so that a worker that leaves finds a place for its own. The workers
 * that are as full take turns with those that are lighter. Pure.
 */
struct rebalance_share rebalance_find_full(const uint32_t *loads, unsigned count, unsigned own);

#endif
