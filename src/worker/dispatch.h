/* SPDX-License-Identifier: MIT */
/*
 * The order in which a worker's connections are visited, how they drain, and the notes on those
 * that a draining worker waits for.
 *
 * No connection starves: a visit moves a share of bytes (worker/share.h), and a turn of the loop
 * lasts a few milliseconds.
 *
 *   epoll --light, or none waits--> visited at once
 *   epoll --heavy, or the turn is over--> RUN QUEUE --its turn--> visited
 *   visited --its share is spent--> RUN QUEUE
 *
 * The cost of a connection's last visit predicts that of the next one. So a small message passes
 * any number of bulk transfers, and waits for the rest of one turn. Worker only.
 */
#ifndef WORKER_DISPATCH_H
#define WORKER_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/pool.h"

/*
 * Takes over the connections of an earlier worker of the slot that recovery has found sound:
 * is_kept has an entry for every record below the arena's record_high. Before any dispatch_accept.
 * is_new_epoll: epoll watches none of them yet. Returns false with errno set. Allocates.
 */
bool dispatch_resume(struct pool *pool, const bool *is_kept, bool is_new_epoll);

/* The epoll is a new one: watches all connections in it. */
void dispatch_watch_all(struct pool *pool);

/*
 * Takes over an accepted descriptor: gives it a record and serves it. conn_limit_has must be true.
 */
void dispatch_accept(struct pool *pool, uint32_t listener, int fd, const struct addr *remote);

/*
 * For loop->tagged: epoll reported `events` for the connection of the tag. If it still lives, it is
 * visited now or, where it would delay others, later in its turn.
 */
void dispatch_ready(struct pool *pool, uint64_t tag, uint32_t events);
/*
 * After the events of each turn of the loop: visits waiting connections, at least one, until the
 * turn's time is over; ends connections that are due or puts them off; writes the access log if
 * many lines are pending.
 */
void dispatch_end_turn(struct pool *pool);

/*
 * Starts draining: each connection ends as soon as it is between messages. All are visited in their
 * turn.
 */
void dispatch_drain(struct pool *pool);

/* Ends all connections now, except those that another worker may have by now. */
void dispatch_end_all(struct pool *pool, enum close_reason reason);

/*
 * Writes the oldest connections, for which a draining worker waits, to its slot, where any process
 * can read them; none when there is no connection.
 */
void dispatch_publish_notes(const struct pool *pool);

#endif
