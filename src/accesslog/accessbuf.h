/* SPDX-License-Identifier: MIT */
/*
 * Lines of the access log on their way to the file, in the arena: they outlive the worker that
 * wrote them. A line is in the buffer once it is whole. The bytes of a dead worker are checked
 * before use. One writer: the slot's worker, or the master when there is none.
 *
 * No line is empty: a newline at the head ends a line whose start is already in the file.
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

/* The memory of the lines: in the slot's arena, so that they survive a worker's death. */
struct accessbuf_memory {
	char *bytes;            /* ACCESSBUF_SIZE bytes */
	_Atomic uint64_t *span; /* waiting bytes: first << 32 | end */
};

/* This process's view. It starts with the lines in the memory, as far as they are valid. */
struct accessbuf {
	struct accessbuf_memory memory;
	uint32_t start, end; /* range of the waiting bytes */
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

/* True when there is room for n bytes. Moves the waiting lines to the front when that helps. */
bool accessbuf_has_room(struct accessbuf *b, size_t n);

/* Returns the room behind the waiting lines, to write a line into. accessbuf_add follows. */
static inline struct strbuf accessbuf_room(const struct accessbuf *b)
{
	return strbuf_on(b->memory.bytes + b->end, ACCESSBUF_SIZE - b->end);
}

/* Adds the next n bytes, which are whole lines. */
void accessbuf_add(struct accessbuf *b, size_t n);

/* Discards all waiting lines. Returns their number. */
uint64_t accessbuf_drop_all(struct accessbuf *b);

/* Call it for a new file, which has the start of no line. */
void accessbuf_begin_file(struct accessbuf *b);

/*
 * The result of a flush: lines written whole, lines that were cut, and the error that stopped it.
 */
struct accessbuf_flow {
	uint64_t written, cut;
	int error; /* errno; 0: no line waits any more */
};

/*
 * Writes the waiting lines, as far as they are accepted now, and counts them in the two cells. When
 * a file accepted only the start of a line, only the line's newline is kept, and the line counts as
 * lost. A death during the flush may duplicate lines in the file, but loses none.
 */
struct accessbuf_flow accessbuf_flush(struct accessbuf *b, const struct writer *writer,
				      metric_cell *written, metric_cell *lost);

#endif
