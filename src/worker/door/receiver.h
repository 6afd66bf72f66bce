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

static inline bool receiver_mask_has(const struct receiver_mask *mask, unsigned slot)
{
	return (mask->bits[slot / 64] >> slot % 64 & 1) != 0;
}

/* What the sender has learned of the receivers while it moves connections. */
struct receiver_standing {
	struct receiver_mask refused; /* they are full, or have said what is false: asked no more */
	struct receiver_mask aside; /* they have not answered: asked again if no other takes any */
	uint64_t turns[SCOREBOARD_SLOTS]; /* of those aside: of the loop when that was noted */
};

static inline void receiver_mask_join(struct receiver_mask *mask, const struct receiver_mask *other)
{
	for (unsigned i = 0; i < SCOREBOARD_SLOTS / 64; i++)
		mask->bits[i] |= other->bits[i];
}

/* Notes that the receiver in that slot has not answered. */
void receiver_set_aside(struct receiver_standing *standing, const struct heritage *heritage,
			unsigned slot);

/* Those aside whose loop has turned since, or that have been replaced, may be asked again. */
void receiver_release(struct receiver_standing *standing, const struct heritage *heritage);

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

/* The workers that have refused a connection since they had no room for it. */
struct receivers_full {
	struct receiver_mask mask;
	uint32_t live[SCOREBOARD_SLOTS]; /* its connections then */
	uint32_t places;                 /* the most of these */
};

void receiver_note_full(const struct heritage *heritage, struct receivers_full *full,
			unsigned slot);

/*
 * Takes those of the full workers that have fewer connections by now out of both masks. True when
 * there were any, and a worker of the current generation may have room; if this one has no door to
 * it, full ones pass theirs on to it (worker/door/rebalance.h).
 */
bool receiver_find_room(const struct heritage *heritage, struct receivers_full *full,
			struct receiver_mask *refused);

/* Takes all full workers out of both masks. False when there were none. */
bool receiver_forget_full(struct receivers_full *full, struct receiver_mask *refused);

#endif
