/* SPDX-License-Identifier: MIT */
/*
 * The limits of a worker's listeners: how many connections a listener and a source may have, and
 * how fast they may come, over all workers (stats/limit_memory.h). It counts and answers; it knows
 * no socket. worker/accept/acceptor.c and worker/limit/admit.c decide what follows.
 *
 * A place is claimed before it is used: the worker adds to its own count first, sums up those of
 * all workers, and takes its own back when the sum is too high. Of workers that claim at once, at
 * least the last one to take its own back sees that there is a place, and claims again. So the
 * limit is never exceeded, and a free place is never refused to all.
 *
 * A connection that moves counts in both workers for a moment: as long as a worker passes its
 * connections on, a client waits where it would be refused otherwise. Worker only.
 */
#ifndef WORKER_LIMIT_LIMITER_H
#define WORKER_LIMIT_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/limit/limit_rules.h"
#include "worker/record.h"

/* How long it takes at most until a worker looks again whether there is room. */
enum { LIMITER_LOOK_MS = 20 };

/*
 * Prepares the rules. The caller has set listeners, slot and, where the server has them, memory,
 * board and number. The count begins anew, out of the others' sight until limiter_publish. Returns
 * false with errno set. Allocates; limiter_stop frees.
 */
bool limiter_start(struct limiter *limiter);
void limiter_stop(struct limiter *limiter);

/* All connections of the last worker of the slot are counted: the others see the counts. */
void limiter_publish(struct limiter *limiter);

static inline const struct limit_rule *limiter_rule(const struct limiter *limiter,
						    uint32_t listener)
{
	return &limiter->rules[listener];
}

/*
 * Claims a place for the next connection of the listener, before it is accepted. Returns
 * LIMIT_NONE, or the limit that forbids it; *due_ms is then when to look again.
 */
enum limit limiter_claim(struct limiter *limiter, uint32_t listener, int64_t now_us,
			 int64_t *due_ms);

/*
 * True when a connection that this limit of the listener forbids waits now; false: it is refused.
 * key: of its source; 0: the limit is none of its source's.
 */
bool limiter_lets_wait(const struct limiter *limiter, uint32_t listener, enum limit limit,
		       uint64_t key);

/* The connection of the last claim has not come, or is not served. */
void limiter_return(struct limiter *limiter, uint32_t listener);

/* The same of the rate alone: it is not served, and ends as any other connection. */
void limiter_return_rate(struct limiter *limiter, uint32_t listener);

/* As limiter_claim, but claims nothing. */
enum limit limiter_look(const struct limiter *limiter, uint32_t listener, int64_t now_us,
			int64_t *due_ms);

/*
 * Claims a place for a connection of the record's source, whose address is known now, and whose key
 * is `key`. is_first: no other connection of the source waits for longer in this worker. Returns and
 * sets *due_ms as limiter_claim does.
 */
enum limit limiter_claim_source(struct limiter *limiter, struct record *r, uint64_t key,
				bool is_first, int64_t now_us, int64_t *due_ms);

/*
 * Counts a connection that this worker has taken over, by its state: one of the last worker of its
 * slot, or, limiter_count_arrival, of another slot.
 */
void limiter_count_in(struct limiter *limiter, struct record *client);
void limiter_count_arrival(struct limiter *limiter, struct record *client);

/* Notes that connections are on their way to another worker, which may count them already. */
void limiter_note_moving(struct limiter *limiter, bool is_moving);

/* Counts one that has ended. Returns the key of its source if that may have room now; 0: none. */
uint64_t limiter_count_out(struct limiter *limiter, struct record *client);

/* The key of the record's source; 0: it has none, or no limit is its source's. */
uint64_t limiter_source_key(const struct limiter *limiter, const struct record *r);

/*
 * Shows the other workers that connections of the source of that key wait here, the oldest of them
 * since oldest_us; 0: none waits any more.
 */
void limiter_show_waiting(struct limiter *limiter, uint64_t key, int64_t oldest_us);

#endif
