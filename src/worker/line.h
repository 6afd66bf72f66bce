/* SPDX-License-Identifier: MIT */
/*
 * Connections of a worker that wait in a line, the oldest first. Only the first is looked at, when
 * the timer of its record fires. Who has the lines decides what they wait for. Worker only.
 */
#ifndef WORKER_LINE_H
#define WORKER_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/timer.h"
#include "worker/arena.h"
#include "worker/record.h"

/* Zeroed at first: nobody waits. */
struct line {
	uint32_t first, last; /* 1 + index of the record */
	uint32_t count;
	int64_t due_ms; /* when the first is to be looked at; 0: now */
};

struct line_node;

/* The places of records in lines; a record is in one at most. */
struct lines {
	const struct arena *arena;
	struct timer_heap *timers;
	struct timer_node *alarms; /* of each record */
	struct line_node *nodes;   /* likewise */
};

/*
 * Prepares for the records of the arena; the caller has set all but nodes. Returns false with errno
 * set. Allocates; lines_stop frees.
 */
bool lines_start(struct lines *lines);
void lines_stop(struct lines *lines);

/* The record, which is in no line, gets its place by its age; of equals the last. */
void line_add(const struct lines *lines, struct line *line, const struct record *r);

/* The record, which is in that line, leaves it. If it was the first, the next one is due now. */
void line_remove(const struct lines *lines, struct line *line, const struct record *r);

/* The first of the line, which has one, is due now. */
void line_make_due(const struct lines *lines, struct line *line);

static inline bool line_begins_with(const struct line *line, const struct record *r)
{
	return line->count > 0 && line->first == record_link(r);
}

/* When the first of the line is due. A deadline of 0 is none: 1 is long past as well. */
static inline int64_t line_due_ms(const struct line *line)
{
	return line->due_ms > 0 ? line->due_ms : 1;
}

#endif
