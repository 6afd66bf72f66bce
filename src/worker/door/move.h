/* SPDX-License-Identifier: MIT */
/*
 * What a worker knows while its connections move (worker/door/moving.h). Shared by the files that
 * decide: moving.c, gather.c (the batches) and stays.c (what does not move).
 */
#ifndef WORKER_DOOR_MOVE_H
#define WORKER_DOOR_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/timer.h"
#include "worker/door/offer.h"

enum moving_state { MOVING_IDLE, MOVING_LEAVING, MOVING_SHARING };

/*
 * A receiver has said that a connection is damaged, or that it has no such listener. The sender
 * asks a second one: what that one takes moves on, and the first is asked no more; what it refuses
 * for such a reason too, or when there is none, stays.
 */
enum objection_to { OBJECTION_NONE, OBJECTION_CONNECTION, OBJECTION_LISTENER };
struct objection {
	enum objection_to to;
	uint32_t which; /* the index of its record, or of the listener */
	unsigned slot;  /* of the first receiver */
	enum stay_reason reason;
};

/* Batches that are smaller than usual, and why. */
struct narrowing {
	enum {
		NARROWING_NONE,
		NARROWING_FOR_ROOM, /* the receiver has less, and is asked until it has none */
		NARROWING_SEARCH,   /* one of the suspects is why a batch was refused; which? */
		NARROWING_GROWTH    /* back to the usual size, with each batch that is taken */
	} state;
	uint32_t limit;    /* connections in a batch */
	uint32_t suspects; /* SEARCH: how many, from the cursor on */
};

struct moving {
	struct offer offer;
	enum moving_state state;
	struct timer_heap *alarms;
	struct alarm next; /* looks again */
	void (*done)(void *owner);
	void *owner;
	uint8_t *stays;  /* for each record: 1 + why it cannot move; 0: it can */
	unsigned count;  /* connections of the batch that was sent last */
	uint32_t cursor; /* the next record to look at */
	uint32_t wanted; /* SHARING: connections that are still to move */
	unsigned turn;   /* batches sent so far */
	uint32_t total;  /* connections when the moving began */
	struct narrowing narrowing;
	int64_t until_ms;  /* LEAVING: until then (clock_ms()) it waits for receivers */
	int64_t alone_us;  /* since when no other worker is ready; 0: one was */
	int64_t taken_us;  /* when the last batch was taken; before that: when the moving began */
	int64_t silent_us; /* when a receiver was last set aside */
	int64_t busy_us;   /* since when nothing can be sent to the receiver; 0: it can */
	unsigned receiver; /* its slot */
	uint16_t listener; /* of the batch that was sent last */
	enum move_cause cause;
	enum stay_reason reason; /* why the last receiver took no more */
	struct receiver_standing standing;
	struct receivers_full full; /* of the refused, those that had no room for the listener */
	struct objection objection;
	uint32_t moved, staying;
	bool is_stopping;
};

#endif
