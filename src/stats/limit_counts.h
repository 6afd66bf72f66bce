/* SPDX-License-Identifier: MIT */
/*
 * How many connections a worker has of each source and of each limited listener, in memory that the
 * other workers read. A count over all workers is the sum over their slots. Each slot has one
 * writer, its worker, so no count is wrong for longer than the next worker of the slot needs to
 * count its connections anew: nothing is written down against a crash.
 *
 * A hash table with open addressing: a word of memory has a part of the key and the count, so a
 * reader never sees one without the other. Nothing is moved within a table. The slot has two: a
 * worker that takes over counts in the one that readers do not read, and changes to it with one
 * store; until then readers see what the dead one had. In the same way a worker copies its counts
 * when too many words of a table are of keys that have no count any more. The number of the table
 * rises with each change, so that a reader whose table has been changed meanwhile reads again.
 *
 * Additions and readings are sequentially consistent: of two workers that each add first and then
 * sum up, at least one sees the other.
 */
#ifndef STATS_LIMIT_COUNTS_H
#define STATS_LIMIT_COUNTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LIMIT_COUNTS_BITS = 20, /* of a word that are the count; the others are of the key */
	LIMIT_COUNTS_MOST = (1 << LIMIT_COUNTS_BITS) - 1,
};

/* In the memory of the slot, before its two tables. */
struct limit_counts_head {
	_Atomic uint32_t epoch;   /* the table that counts is the one of its last bit; 0: none */
	_Atomic uint32_t waiting; /* sources with connections that wait */
	/*
	 * Connections that have come from other slots, counted before they are in the table. A walk
	 * over several slots may miss one that has moved meanwhile: then this number has risen.
	 */
	_Atomic uint64_t arrivals;
};

/* The counts of one slot: private to each process. */
struct limit_counts {
	struct limit_counts_head *head;
	_Atomic uint64_t *tables; /* two, one after the other */
	uint32_t entries;         /* of a table: a power of two */
	/* the writer's: the epoch of its table, and words in use; with so many it is copied */
	uint32_t epoch, used, used_most;
};

/* Entries of a table for so many keys at once: at most half of them have a count. */
uint32_t limit_counts_entries(uint32_t keys);

/*
 * Begins to count anew, in the table that readers do not read; limit_counts_publish shows it to
 * them. Nothing waits any more. For the writer.
 */
void limit_counts_begin(struct limit_counts *counts);
void limit_counts_publish(struct limit_counts *counts);

/*
 * Adds one to the count of the key, or takes one away; false when there is no room, which the size
 * of the table makes unlikely beyond belief, or no count. For the writer.
 */
bool limit_counts_add(struct limit_counts *counts, uint64_t key);
bool limit_counts_remove(struct limit_counts *counts, uint64_t key);

/* Sets the count; 0 forgets the key. False when there is no room. For the writer. */
bool limit_counts_set(struct limit_counts *counts, uint64_t key, uint32_t count);

/* The count in the writer's table; 0: the key is unknown. For the writer. */
uint32_t limit_counts_own(const struct limit_counts *counts, uint64_t key);

/*
 * The count that the slot shows; 0: the key is unknown. The memory may hold anything: the walk is
 * short all the same. Any process.
 */
uint32_t limit_counts_get(const struct limit_counts *counts, uint64_t key);

/* The slot has no connections from now on, until its next worker counts. For the master. */
static inline void limit_counts_clear(const struct limit_counts *counts)
{
	atomic_store(&counts->head->epoch, 0);
	atomic_store(&counts->head->waiting, 0);
}

#endif
