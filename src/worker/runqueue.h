/* SPDX-License-Identifier: MIT */
/*
 * Connections that have work to do and wait for their turn, first in, first out. A connection is in
 * the queue once at most and can leave from the middle. Holds indexes of records only:
 * worker/dispatch.c visits the connections. The lists are the worker's own memory, in pages that
 * cost nothing until touched.
 *
 * Also the limits of one visit of a connection, and the weight that its cost gives to the next one;
 * these are pure functions. A visit from the queue moves a share. A visit ahead of waiting
 * connections, which a light connection gets, moves a small share: a connection whose messages were
 * small and become large gets the rest in its turn.
 */
#ifndef WORKER_RUNQUEUE_H
#define WORKER_RUNQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct runqueue_link {
	uint32_t next, prev; /* 1 + index of the neighbour, most + 1 for the head; 0: not queued */
};

struct runqueue {
	struct runqueue_link *links; /* one for each record, followed by the head of the ring */
	uint32_t most;
};

/*
 * An empty queue for records 0 .. most - 1. Returns false with errno set. Allocates; runqueue_stop
 * frees.
 */
bool runqueue_start(struct runqueue *queue, uint32_t most);
void runqueue_stop(struct runqueue *queue);

/* Adds the record at the end of the queue, unless it is in it already. */
void runqueue_push(struct runqueue *queue, uint32_t index);

/* Takes the first record out; false when the queue is empty. */
bool runqueue_pop(struct runqueue *queue, uint32_t *index);

/* Takes the record out, if it is in the queue. */
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
 * The cost of the last visit, which decides when the next one comes (worker/dispatch.h). A
 * connection whose service computed for long is SLOW, which counts as light: an interrupt may have
 * been charged to it, so only two such visits in a row make it heavy.
 */
enum conn_weight { WEIGHT_UNKNOWN, WEIGHT_LIGHT, WEIGHT_SLOW, WEIGHT_HEAVY };

/* The weight after a visit that moved moved_bytes and whose service computed for asked_us. */
enum conn_weight runqueue_weigh(enum conn_weight before, size_t moved_bytes, int64_t asked_us);

/*
 * True when a visit is over: it has moved moved_bytes in `answers` answers, the first of which
 * began past_us ago. is_ahead: other connections wait for their turn.
 */
bool runqueue_is_spent(bool is_ahead, size_t moved_bytes, unsigned answers, int64_t past_us);

#endif
