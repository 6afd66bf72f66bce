/* SPDX-License-Identifier: MIT */
/*
 * The loads that the workers of a generation publish, so that load is shared out: one word for each
 * worker, side by side in memory that all of them write to, because a walk over slots, which are
 * kilobytes apart, is measurable at each accept. They are hints: any worker may have written
 * anything there, so a worker confirms a hint in the other's own slot before it acts on it, and the
 * master only writes.
 */
#ifndef STATS_HINTS_H
#define STATS_HINTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What one worker publishes. */
struct hint {
	uint32_t live; /* connections open now */
	uint16_t seat; /* copied from its slot */
	uint8_t state; /* enum slot_state; may hold any other value */
};

struct hints {
	_Atomic uint64_t *words; /* shared, like the memory of `asked`: one for each worker */
	_Atomic uint64_t *asked; /* one each: the listeners that others ask it to accept from */
	unsigned count;          /* private, so that no other process changes it */
};

/*
 * Maps the words of `count` workers, all empty, to be shared with children. Returns false with
 * errno set; hints_free unmaps. Master only.
 */
bool hints_new(struct hints *hints, unsigned count);
void hints_free(struct hints *hints);

static inline struct hint hints_get(const struct hints *hints, unsigned number)
{
	uint64_t word = atomic_load_explicit(&hints->words[number], memory_order_relaxed);

	return (struct hint){ (uint32_t)word, (uint16_t)(word >> 32), (uint8_t)(word >> 48) };
}

static inline void hints_set(const struct hints *hints, unsigned number, struct hint hint)
{
	uint64_t word = hint.live | (uint64_t)hint.seat << 32 | (uint64_t)hint.state << 48;

	atomic_store_explicit(&hints->words[number], word, memory_order_relaxed);
}

/* The mask of a listener; those beyond the 64th share the bits of the first. */
uint64_t hints_mask(unsigned listener);

/* Asks the worker to accept from the listener. */
void hints_ask(const struct hints *hints, unsigned number, unsigned listener);

/* The mask of listeners that the worker is asked to accept from; the call clears it. */
uint64_t hints_asked(const struct hints *hints, unsigned number);

#endif
