/* SPDX-License-Identifier: MIT */
/*
 * The blocks of one slot: runs of pages in the arena from which regions (tls/region.h) are made. A
 * block is 1, 2, 4 ... units long and aligned to its length, a buddy system. Which blocks are in
 * use stands in a map in the arena, so that the next worker of the slot can wipe what a dead one
 * has left; the lists of free blocks are this worker's own. Blocks that were given back last are
 * taken first, while their pages are warm; beyond BLOCKS_WARM units free pages go back to the
 * system. Worker only, but for blocks_size.
 */
#ifndef TLS_BLOCKS_H
#define TLS_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BLOCK_UNIT = 16 * 1024, /* bytes of the smallest block */
	BLOCK_ORDERS = 5,       /* lengths: 1, 2, 4, 8, 16 units */
	BLOCK_LARGEST = BLOCK_UNIT << (BLOCK_ORDERS - 1),
	BLOCKS_WARM = 256 /* free units whose pages stay */
};

/* A list of free blocks goes through these, by the unit that a block begins with. */
struct block_link {
	uint32_t next, previous; /* 1 + unit; 0: none */
};

struct blocks {
	char *base;     /* in the arena, aligned to a page */
	uint8_t *map;   /* in the arena: what begins at each unit (tls/blocks.c) */
	uint32_t units; /* a multiple of the largest block */
	uint32_t high;  /* units from here on were never used */
	uint32_t used;  /* units in use now */
	uint32_t warm;  /* free units whose pages are in memory, about */
	struct block_link *links;
	uint32_t heads[BLOCK_ORDERS]; /* 1 + unit; 0: none */
};

/* Bytes of the memory and of the map for so many units, which are rounded up to `units`. */
uint32_t blocks_round(uint64_t units);

/*
 * All blocks are free. Returns false with errno set. Allocates; blocks_stop frees. The memory and
 * the map are the arena's.
 */
bool blocks_start(struct blocks *blocks, char *base, uint8_t *map, uint32_t units);
void blocks_stop(struct blocks *blocks);

/* The unit that the block begins with, and the block that begins with the unit. */
static inline uint32_t blocks_unit(const struct blocks *blocks, const void *block)
{
	return (uint32_t)((size_t)((const char *)block - blocks->base) / BLOCK_UNIT);
}

static inline void *blocks_at(const struct blocks *blocks, uint32_t unit)
{
	return blocks->base + (size_t)unit * BLOCK_UNIT;
}

/* Returns a block of at least `bytes`, with its length in *bytes; NULL: none is free. */
void *blocks_take(struct blocks *blocks, size_t *bytes);

/* The block in use that the address is in, with its length in *bytes; NULL: none. */
void *blocks_find(const struct blocks *blocks, const void *address, size_t *bytes);

/* Gives it back. The caller has wiped what must not be read again. */
void blocks_give(struct blocks *blocks, void *block);

/*
 * After the death of a worker, before the first block is taken: blocks_claim for each block that a
 * connection has, by a unit that may be damaged: returns NULL if no block begins there, or one that
 * was claimed; *bytes is its length. blocks_disclaim takes it back. Then blocks_settle wipes and
 * frees all others.
 */
void blocks_begin_claims(struct blocks *blocks);
void *blocks_claim(struct blocks *blocks, uint32_t unit, size_t *bytes);
void blocks_disclaim(struct blocks *blocks, uint32_t unit);
void blocks_settle(struct blocks *blocks);

#endif
