/* SPDX-License-Identifier: MIT */
/*
 * The memory behind the limits of listeners, mapped once for the life of the server, so that the
 * workers of all generations see each other's: the times of the rates, which all of them write, and
 * for each slot of the scoreboard the counts of its worker, which no other worker can write. It has
 * no name. What was never used costs nothing.
 */
#ifndef STATS_LIMIT_MEMORY_H
#define STATS_LIMIT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/siphash.h"
#include "stats/limit_counts.h"
#include "stats/limit_rates.h"

/* Private to each process. */
struct limit_memory {
	char *base;             /* NULL: there is none */
	size_t size, stride;    /* of all; from one slot to the next */
	uint32_t entries;       /* of a table of counts */
	struct siphash_key key; /* of all keys, chosen at the start */
	int fd, read_fd;        /* the master's */
};

/*
 * Maps the memory for workers of so many connections, to be shared with children, with a random
 * key. Returns false with err. limit_memory_free unmaps it and closes its descriptors. Master only.
 */
bool limit_memory_new(struct limit_memory *memory, uint32_t connections, struct err *err);
void limit_memory_free(struct limit_memory *memory);

/* True when workers of so many connections, and of so many listeners, have room to count them. */
bool limit_memory_fits(const struct limit_memory *memory, int64_t connections, size_t listeners);

/*
 * Restricts this process, and all its children, to writing the counts of that slot and the times of
 * the rates; it cannot undo this. The descriptors stay open, for the caller to close. Returns false
 * with errno set. In a child of the master.
 */
bool limit_memory_confine(const struct limit_memory *memory, unsigned slot);

static inline struct limit_rates *limit_memory_rates(const struct limit_memory *memory)
{
	return (struct limit_rates *)memory->base;
}

/* The counts of a slot below SCOREBOARD_SLOTS. */
struct limit_counts limit_memory_counts(const struct limit_memory *memory, unsigned slot);

#endif
