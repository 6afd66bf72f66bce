/* SPDX-License-Identifier: MIT */
/*
 * Lines of the access log on their way to its file, in the arena: they outlive the worker that wrote
 * them. A line is there once it is whole. What a dead worker left is read with suspicion. One writer:
 * the slot's worker, or the master when there is none.
 */
#ifndef WORKER_ACCESSBUF_H
#define WORKER_ACCESSBUF_H

#include <stdint.h>

#include "base/text.h"
#include "worker/arena.h"

/* This process's view; begins with what is there, as far as it can be believed. */
struct accessbuf {
	struct arena *arena;
	uint32_t start, end; /* bytes of arena->log that wait */
};

struct accessbuf accessbuf_of(struct arena *arena);

static inline size_t accessbuf_used(const struct accessbuf *b)
{
	return b->end - b->start;
}

static inline const char *accessbuf_head(const struct accessbuf *b)
{
	return b->arena->log + b->start;
}

/* The free room, to write a line into; then accessbuf_add. */
static inline struct text accessbuf_room(const struct accessbuf *b)
{
	return text_on(b->arena->log + b->end, ARENA_LOG_SIZE - b->end);
}

/* The next n bytes are whole lines: they count from now on. */
void accessbuf_add(struct accessbuf *b, size_t n);

/* The first n bytes are done with. Nothing is moved: the room comes back with the last of them. */
void accessbuf_drop(struct accessbuf *b, size_t n);

/* How many lines end within the first n bytes. */
uint64_t accessbuf_lines(const struct accessbuf *b, size_t n);

#endif
