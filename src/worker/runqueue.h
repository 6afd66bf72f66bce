/* SPDX-License-Identifier: MIT */
/*
 * Connections that have work to do and must wait for their turn, first in, first out. A connection
 * stands in it once at most and can leave from the middle. Indexes of records only: what a turn is
 * worth is worker/pool.c's business. The lists are the worker's own memory, in pages that cost
 * nothing until touched.
 */
/*
 * What one visit of a connection may cost, and what its cost says of the next one.
 *
 * A visit in its turn moves a share. A visit ahead of connections that wait for theirs, which a
 * light one gets, moves a small share: a connection that asks for much after it has asked for
 * little takes the rest of it in its turn. Pure functions.
 */
#ifndef WORKER_RUNQUEUE_H
#define WORKER_RUNQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct runqueue_link {
	uint32_t next, prev; /* 1 + index of the neighbour, or HEAD; 0: not in the queue */
};

struct runqueue {
	struct runqueue_link *links; /* of each record, and behind them the head of the ring */
	uint32_t most;
};

/* An empty queue for records 0 .. most - 1. False with errno. Allocates; runqueue_stop frees. */
bool runqueue_start(struct runqueue *queue, uint32_t most);
void runqueue_stop(struct runqueue *queue);

/* To the end of the line, unless it stands in it already. */
void runqueue_push(struct runqueue *queue, uint32_t index);

/* Takes the first one out; false when nothing waits. */
bool runqueue_pop(struct runqueue *queue, uint32_t *index);

/* Takes it out, if it is in. */
void runqueue_remove(struct runqueue *queue, uint32_t index);

static inline bool runqueue_has(const struct runqueue *queue, uint32_t index)
{
	return queue->links[index].next != 0;
}

static inline bool runqueue_is_empty(const struct runqueue *queue)
{
	return queue->links[queue->most].next == queue->most + 1;
}

/*
 * What the last visit cost, by which the next one is given its place (worker/pool.h). One whose
 * service computed for long is SLOW, which counts as light: an interrupt may have been charged to
 * it, so that only two in a row make it heavy.
 */
enum conn_weight { WEIGHT_UNKNOWN, WEIGHT_LIGHT, WEIGHT_SLOW, WEIGHT_HEAVY };

/* The weight after a visit that moved so many bytes and whose service computed for so long. */
enum conn_weight runqueue_weigh(enum conn_weight before, size_t moved_bytes, int64_t asked_us);

/*
 * True when a visit that has moved so many bytes in so many answers, the first of which began so
 * long ago, is over. is_ahead: others wait for their turn.
 */
bool runqueue_is_spent(bool is_ahead, size_t moved_bytes, unsigned answers, int64_t past_us);

#endif
