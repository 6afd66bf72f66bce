/* SPDX-License-Identifier: MIT */
/*
 * Lines of the access log on their way to its file, in the arena: they outlive the worker that
 * wrote them. A line is there once it is whole. What a dead worker left is read with suspicion. One
 * writer: the slot's worker, or the master when there is none.
 *
 * No line is empty: a newline at the head is to end one that the file has the beginning of.
 */
#ifndef ACCESSLOG_ACCESSBUF_H
#define ACCESSLOG_ACCESSBUF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "base/writer.h"
#include "stats/metric.h"

enum { ACCESSBUF_SIZE = 64 * 1024 };

/* Where the lines are; in the slot's arena, so that a worker's death leaves them. */
struct accessbuf_memory {
	char *bytes;            /* ACCESSBUF_SIZE of them */
	_Atomic uint64_t *span; /* those that wait: first byte << 32 | end */
};

/* This process's view; begins with what is there, as far as it can be believed. */
struct accessbuf {
	struct accessbuf_memory memory;
	uint32_t start, end; /* bytes that wait */
};

struct accessbuf accessbuf_of(struct accessbuf_memory memory);

static inline size_t accessbuf_used(const struct accessbuf *b)
{
	return b->end - b->start;
}

static inline const char *accessbuf_head(const struct accessbuf *b)
{
	return b->memory.bytes + b->start;
}

/* True when there is room for n bytes: what waits is moved to the front for it where that helps. */
bool accessbuf_has_room(struct accessbuf *b, size_t n);

/* The room behind what waits, to write a line into; then accessbuf_add. */
static inline struct strbuf accessbuf_room(const struct accessbuf *b)
{
	return strbuf_on(b->memory.bytes + b->end, ACCESSBUF_SIZE - b->end);
}

/* The next n bytes are whole lines: they count from now on. */
void accessbuf_add(struct accessbuf *b, size_t n);

/* All that waits is given up; returns how many lines that were. */
uint64_t accessbuf_drop_all(struct accessbuf *b);

/* The file is another one: it does not have the beginning of any line. */
void accessbuf_begin_file(struct accessbuf *b);

/* What came of a flush: lines that the file has whole, lines that were cut, and why it stopped. */
struct accessbuf_flow {
	uint64_t written, cut;
	int error; /* errno; 0: nothing waits any more */
};

/*
 * Writes what waits, as far as it is taken now, and counts it in the two cells. Of a line that a
 * file took only the beginning of, nothing but the newline stays, and it counts as lost. A death
 * on the way may double lines in the file, and loses none.
 */
struct accessbuf_flow accessbuf_flush(struct accessbuf *b, const struct writer *outlet,
				      metric_cell *written, metric_cell *lost);

#endif
