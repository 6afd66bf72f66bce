/* SPDX-License-Identifier: MIT */
/*
 * What the workers of a generation tell each other so that load is shared out: a word for each,
 * side by side in memory that all of them write to, because a walk over slots, which are kilobytes
 * apart, is felt at each accept. These are hints: any of the workers may have written anything
 * there, so a worker confirms a hint in the other's own slot before it acts on it, and the master
 * only writes.
 */
#ifndef WORKER_PEERS_H
#define WORKER_PEERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct peer {
	uint32_t live; /* connections open now */
	uint16_t seat; /* as in its slot */
	uint8_t state; /* enum slot_state; other values may stand there */
};

struct peers {
	_Atomic uint64_t *words; /* shared, as all that `asked` leads to: one for each worker */
	_Atomic uint64_t *asked; /* one each: the listeners that others ask it to accept from */
	unsigned count;          /* private, so that nobody else changes it */
};

/*
 * Maps the words of `count` workers, all of them empty, to be shared with children. False with
 * errno; peers_free unmaps. Master only.
 */
bool peers_new(struct peers *peers, unsigned count);
void peers_free(struct peers *peers);

static inline struct peer peers_get(const struct peers *peers, unsigned number)
{
	uint64_t word = atomic_load_explicit(&peers->words[number], memory_order_relaxed);

	return (struct peer){ (uint32_t)word, (uint16_t)(word >> 32), (uint8_t)(word >> 48) };
}

static inline void peers_set(const struct peers *peers, unsigned number, struct peer peer)
{
	uint64_t word = peer.live | (uint64_t)peer.seat << 32 | (uint64_t)peer.state << 48;

	atomic_store_explicit(&peers->words[number], word, memory_order_relaxed);
}

/* A mask of listeners; those beyond the 64th share the bits of the first. */
uint64_t peers_mask(unsigned listener);

/* Asks the worker to accept from the listener. */
void peers_ask(const struct peers *peers, unsigned number, unsigned listener);

/* The mask of what the worker is asked for, cleared by the asking. */
uint64_t peers_asked(const struct peers *peers, unsigned number);

#endif
