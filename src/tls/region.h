/* SPDX-License-Identifier: MIT */
/*
 * The memory of one connection's TLS session: a chain of blocks in the arena (tls/blocks.h), and
 * its free chunks. All of it outlives the worker, at the same addresses: whoever has the region has
 * the session. A region is dropped whole, and wiped. A region has no pointer to its blocks, so that
 * the next worker can look at it before it trusts it. Worker only.
 */
#ifndef TLS_REGION_H
#define TLS_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tls/blocks.h"

enum {
	REGION_BINS = 11,            /* free chunks by the power of two of their size */
	REGION_MOST = 24,            /* units: 384 KiB, more than any handshake needs */
	REGION_CHUNK_LEAST = 32,     /* bytes */
	REGION_OWN_BLOCK = 12 * 1024 /* a chunk of so many bytes has a block of its own */
};

/* Claims that builds for tests check: they take time. */
#ifdef TLS_CHECKS
#define REGION_CHECK(claim) BUG_ON(!(claim))
#else
#define REGION_CHECK(claim) ((void)sizeof(claim))
#endif

/* In the arena, one for each record; zeroed: it has no memory. Offsets are from blocks.base. */
struct region {
	void *session;              /* what the memory is for; NULL: nothing */
	uint32_t number;            /* of its record */
	uint32_t maker;             /* the worker that began the session (tls/session.h) */
	uint32_t owed;              /* bytes of a send that waits; 0: none */
	uint32_t first;             /* 1 + unit of its first block */
	uint32_t units;             /* of all its blocks */
	bool is_ending;             /* its blocks stay until it is dropped, and are wiped */
	bool is_ahead;              /* the session has read more than it was asked for, maybe */
	uint32_t bins[REGION_BINS]; /* offset / 16 of the first free chunk + 1; 0: none */
};

/* Returns `bytes`, aligned to 16, or NULL: the region or the arena is full. */
void *region_alloc(struct blocks *blocks, struct region *region, size_t bytes);

/* Gives a chunk back; one that is not the region's is a bug. */
void region_free(struct blocks *blocks, struct region *region, void *chunk);

/* The bytes that a chunk has room for. */
size_t region_room(const void *chunk);

/* The number of chunks that were not freed: none, once its session was freed. */
uint32_t region_count(const struct blocks *blocks, const struct region *region);

/* Wipes the memory and gives it back; the region is zeroed. */
void region_drop(struct blocks *blocks, struct region *region);

/* The number of the region whose memory the address is in; -1: none. Cheap. */
int64_t region_of(const struct blocks *blocks, const void *address);

/*
 * After the death of a worker: claims the blocks of a region, and looks at every chunk. False: it
 * is damaged, and claims nothing.
 */
bool region_claim(struct blocks *blocks, const struct region *region);

#endif
