/* SPDX-License-Identifier: MIT */
/*
 * Connections that have work to do and must wait for their turn, first in, first out. A connection
 * stands in it once at most and can leave from the middle. Indexes of records only: what a turn is
 * worth is worker/pool.c's business. The lists are the worker's own memory, in pages that cost
 * nothing until touched.
 */
#ifndef WORKER_RUNQUEUE_H
#define WORKER_RUNQUEUE_H

#include <stdbool.h>
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

#endif
