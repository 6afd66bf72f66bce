/* SPDX-License-Identifier: MIT */
/*
 * The worker that gets the next connections of one that leaves, or that has far more than the
 * others. Worker only.
 */
#ifndef WORKER_DOOR_RECEIVER_H
#define WORKER_DOOR_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/heritage.h"

/* A worker that may take connections. */
struct receiver {
	unsigned slot, generation;
	int doorbell;
};

/* The slots whose workers are not asked, a bit for each. */
struct receiver_mask {
	uint64_t bits[SCOREBOARD_SLOTS / 64];
};

static inline void receiver_mask_add(struct receiver_mask *mask, unsigned slot)
{
	mask->bits[slot / 64] |= UINT64_C(1) << slot % 64;
}

static inline void receiver_mask_remove(struct receiver_mask *mask, unsigned slot)
{
	mask->bits[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

/*
 * Of the workers that are ready and have a door to this one, those of the current generation, else
 * of this worker's own, else of any.
 */
struct receiver_choice {
	unsigned ready, usable; /* usable: not in the mask */
	struct receiver lightest;
};

/*
 * Looks at the scoreboard. Of receivers whose loads differ by no more than `slack` connections the
 * one whose turn it is counts as the lightest: senders with different turns do not all wait for the
 * same receiver.
 */
struct receiver_choice receiver_choose(const struct heritage *heritage,
				       const struct receiver_mask *refused, unsigned turn,
				       uint32_t slack);

#endif
