/* SPDX-License-Identifier: MIT */
/*
 * The connections of a worker that wait, unread, until their source has room: a line for each
 * source, the oldest connection first. Only the first of a line is looked at, when its timer fires
 * (worker/deadline.h). The lines are the worker's own memory; the next worker makes its own from
 * the records. It ends and opens no connection. Worker only.
 */
#ifndef WORKER_LIMIT_WAITING_H
#define WORKER_LIMIT_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/timer.h"
#include "worker/arena.h"
#include "worker/limit/limiter.h"
#include "worker/line.h"

struct waiting_line;
struct waiting_node;

struct waiting {
	const struct arena *arena;
	struct limiter *limiter;
	struct timer_heap *timers;
	struct timer_node *alarms;  /* of each record */
	struct waiting_node *nodes; /* likewise */
	struct lines links;
	struct waiting_line *lines; /* by a hash of the source's key */
	uint32_t places;            /* for lines: a power of two */
	uint32_t total, line_count;
	uint32_t most;    /* beyond so many, waiting_surplus names one that has to go */
	uint64_t longest; /* the key of a long line */
};

/*
 * Prepares for the connections of the arena; the caller has set arena, limiter, timers and alarms.
 * Returns false with errno set. Allocates; waiting_stop frees.
 */
bool waiting_start(struct waiting *waiting);
void waiting_stop(struct waiting *waiting);

/* The connection waits in the line of its source, which has that key, by its age. */
void waiting_join(struct waiting *waiting, struct record *r, uint64_t key);

/* It waits no more, if it did. The next one of its line is due now. */
void waiting_leave(struct waiting *waiting, struct record *r);

/* True when the connection is the first of its line, or no other one of that source waits. */
bool waiting_is_first(const struct waiting *waiting, const struct record *r, uint64_t key);

/* The first of the line is to be looked at again at due_ms. */
void waiting_put_off(struct waiting *waiting, const struct record *r, int64_t due_ms);

/* When the connection is to be looked at; 0: it is not the first of a line. */
int64_t waiting_due_ms(const struct waiting *waiting, const struct record *r);

/* The source of that key may have room: the first of its line is due now. */
void waiting_wake(struct waiting *waiting, uint64_t key);

/*
 * The connection that has to go when another one needs its place: the youngest of the source of
 * which most wait, or nearly so. NULL: none waits. waiting_surplus: the same when more than `most`
 * wait, otherwise NULL.
 */
struct record *waiting_last(struct waiting *waiting);
struct record *waiting_surplus(struct waiting *waiting);

#endif
