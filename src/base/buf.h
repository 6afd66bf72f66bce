/* SPDX-License-Identifier: MIT */
/*
 * A byte buffer: `size` bytes of room at `base`, of which start..end are filled. It owns no memory:
 * base belongs to the caller and is NULL while there is none. Any process; no allocation.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *base;
	uint32_t start, end, size; /* in bytes; start <= end <= size */
	uint32_t number;           /* by which its owner knows it */
};

static inline size_t buf_used(const struct buf *b)
{
	return b->end - b->start;
}

static inline size_t buf_room(const struct buf *b)
{
	return b->size - b->end;
}

static inline char *buf_head(const struct buf *b)
{
	return b->base + b->start;
}

/* Drops the first n bytes. An emptied buffer starts again at its base. */
static inline void buf_drop(struct buf *b, size_t n)
{
	b->start += (uint32_t)n;
	if (b->start == b->end)
		b->start = b->end = 0;
}

/* Appends as many of the n bytes as fit. Returns the number appended. */
static inline size_t buf_put(struct buf *b, const void *bytes, size_t n)
{
	if (n > buf_room(b))
		n = buf_room(b);
	if (n > 0)
		memcpy(b->base + b->end, bytes, n);
	b->end += (uint32_t)n;
	return n;
}

#endif
