/* SPDX-License-Identifier: MIT */
/*
 * The clients of a worker that wait for a place at a server of an upstream: a line for each
 * upstream, in which they stand as they came. The first is looked at every few milliseconds, the
 * others when they have waited too long. The lines are the worker's own memory; the next worker
 * makes its own from the records (is_queued). Worker only.
 */
#ifndef WORKER_SERVER_QUEUE_H
#define WORKER_SERVER_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/server_rows.h"
#include "worker/line.h"
#include "worker/server_count.h"

struct server_queue {
	struct lines links;
	struct server_count *count; /* tells the other workers of the first of each line */
	uint8_t *places;            /* of each record: 1 + number of its line; 0: it is in none */
	struct line lines[SCOREBOARD_SERVERS]; /* by the row that the records name */
};

/*
 * Prepares for the records of the arena; the caller has set count, and of links arena, timers and
 * alarms. Returns false with errno set. Allocates; server_queue_stop frees.
 */
bool server_queue_start(struct server_queue *queue);
void server_queue_stop(struct server_queue *queue);

/*
 * The client, whose record names a server (pool_set_server), waits in the line of that row, by its
 * age. Does nothing when it is in one.
 */
void server_queue_join(struct server_queue *queue, struct record *r);

/*
 * It waits no more, if it did; the next one is due now. server_queue_freeze: it will wait in the
 * line of another worker, or of this one again.
 */
void server_queue_leave(struct server_queue *queue, struct record *r);
void server_queue_freeze(struct server_queue *queue, const struct record *r);

/* True for the first of a line. */
bool server_queue_is_first(const struct server_queue *queue, const struct record *r);

/* The first of a line is to be looked at again at due_ms; nothing for others. */
void server_queue_put_off(struct server_queue *queue, const struct record *r, int64_t due_ms);

/* When that is; 0: it is not the first of a line. */
int64_t server_queue_due_ms(const struct server_queue *queue, const struct record *r);

#endif
