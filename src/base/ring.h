/* SPDX-License-Identifier: MIT */
/*
 * A queue of indexes, first in, first out. An index is in it once at most and can leave from the
 * middle. In pages that cost nothing until touched. One process.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stdint.h>

struct ring_link {
	uint32_t next, prev; /* 1 + index of the neighbour, most + 1 for the head; 0: not queued */
};

struct ring {
	struct ring_link *links; /* one for each index, followed by the head */
	uint32_t most;
};

/*
 * An empty queue for indexes 0 .. most - 1. Returns false with errno set. Allocates; ring_stop
 * frees.
 */
bool ring_start(struct ring *ring, uint32_t most);
void ring_stop(struct ring *ring);

/* Adds the index at the end of the queue, unless it is in it already. */
void ring_push(struct ring *ring, uint32_t index);

/* Takes the first index out; false when the queue is empty. */
bool ring_pop(struct ring *ring, uint32_t *index);

/* Takes the index out, if it is in the queue. */
void ring_remove(struct ring *ring, uint32_t index);

static inline bool ring_has(const struct ring *ring, uint32_t index)
{
	return ring->links[index].next != 0;
}

static inline bool ring_is_empty(const struct ring *ring)
{
	return ring->links[ring->most].next == ring->most + 1;
}

#endif
