/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is among a worker's connections.
 *
 * Nobody starves: a visit moves a share of bytes (worker/runqueue.h), and a turn of the loop lasts
 * a few milliseconds.
 *
 *   epoll --light, or none waits--> visited at once
 *   epoll --heavy, or the turn is over--> RUN QUEUE --its turn--> visited
 *   visited --its share is spent--> RUN QUEUE
 *
 * What a connection cost at its last visit says what it will cost at the next one. So a small
 * message passes any number of bulk transfers, and waits for the rest of one turn. Worker only.
 */
#ifndef WORKER_DISPATCH_H
#define WORKER_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/pool.h"

/*
 * Takes over the connections of an earlier worker of the slot, each of which recovery has found
 * sound: is_kept says it of every record below the arena's conn_high. Before any dispatch_accept.
 * False with errno. Allocates.
 */
bool dispatch_resume(struct pool *pool, const bool *is_kept);

/* Takes over an accepted descriptor: records it and serves it. conn_limit_has must hold. */
void dispatch_accept(struct pool *pool, uint32_t listener, int fd, const struct addr *remote);

/*
 * For loop->tagged: epoll said `events` of the connection of the tag. If it still lives, it is
 * visited now or, where it would hold up others, later in its turn.
 */
void dispatch_ready(struct pool *pool, uint64_t tag, uint32_t events);
/*
 * After the events of each turn of the loop: visits those that wait, as long as the turn lasts and
 * one at least; ends or moves on what is due; writes many lines of the access log.
 */
void dispatch_end_turn(struct pool *pool);

/*
 * Begins to drain: each connection ends as soon as it is between messages. All are visited in their
 * turn.
 */
void dispatch_drain(struct pool *pool);

/* Ends all of them now. */
void dispatch_end_all(struct pool *pool, enum close_reason reason);

/*
 * Writes the oldest connections of a draining worker, for which it waits, to its slot, where any
 * process can see them; none when there is no connection. dispatch_clear_notes drops those of an
 * earlier worker of the slot.
 */
void dispatch_publish_notes(const struct pool *pool);
void dispatch_clear_notes(struct slot *slot);

#endif
