/* SPDX-License-Identifier: MIT */
/*
 * All connections of a worker: which records and buffers of the arena are free, their deadlines,
 * and whose turn it is. The lists are the worker's own memory, in pages that cost nothing until
 * touched; a later worker makes its own by looking at the arena.
 *
 * Nobody starves: a visit moves a share of bytes (worker/budget.h), and a turn of the loop lasts a
 * few milliseconds.
 *
 *   epoll --light, or nobody waits--> visited at once
 *   epoll --heavy, or the turn is over--> RUN QUEUE --its turn--> visited
 *   visited --its share is spent--> RUN QUEUE
 *
 * What a connection cost at its last visit says what it will cost at the next one. So a small
 * message passes any number of bulk transfers, and waits for the rest of one turn.
 */
#ifndef WORKER_POOL_H
#define WORKER_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/timer.h"
#include "net/listener.h"
#include "stats/scoreboard.h"
#include "worker/arena.h"
#include "worker/conn.h"
#include "worker/conn_limit.h"
#include "worker/runqueue.h"

/* Free indexes: those given back, last first, then those never used, from high on. */
struct free_list {
	uint32_t *given_back;
	uint32_t count, most;
	uint32_t high;
};

struct conns {
	struct loop *loop;
	struct arena *arena;
	struct slot *slot; /* this worker's, for its counters */
	const struct listener_set *listeners;
	struct timer_heap timers;
	struct free_list records, bufs;
	struct runqueue queue;           /* records that wait for their turn */
	struct conn_limit room;          /* who may have the next place */
	const struct service **services; /* of each listener */
	uint32_t live;
	uint32_t last_serial;
	uint64_t messages_before; /* of the connection in hand, when it was taken */
	int64_t begun_us;         /* likewise: when the message began that it is at */
	uint64_t answered;        /* messages that began and were answered since the last tick */
	size_t moved;             /* bytes that this visit of the connection in hand moved */
	int64_t asked_us;         /* and for how long its service computed, while is_weighing */
	bool is_weighing;         /* only while others wait is it worth to know */
	bool is_ahead;            /* and this visit comes before theirs */
	unsigned visits;          /* since the last tick */
	bool draining;
	void (*ended)(void *owner); /* called when a connection has ended */
	void *owner;                /* of ended */
};

/*
 * Prepares an empty set over the arena; loop, arena, slot, listeners, ended and owner are set by
 * the caller. False with errno. Allocates.
 */
bool conns_start(struct conns *all, bool makes_room);

/* Lets go of what conns_start took; the connections must have ended. */
void conns_stop(struct conns *all);

/*
 * From here to conns_put_down the connection of that index is the one that is lost if this worker
 * dies: its state may be half written.
 */
static inline void conns_take_in_hand(struct conns *all, uint32_t index)
{
	atomic_store_explicit(&all->arena->head->in_hand, index + 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void conns_put_down(struct conns *all)
{
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&all->arena->head->in_hand, 0, memory_order_relaxed);
}

/* The row of the connection's listener, and where this worker counts what that does. */
static inline unsigned conns_row(const struct conns *all, const struct conn *c)
{
	return all->listeners->list[c->listener].row;
}

static inline struct listener_tally *conns_tally(const struct conns *all, const struct conn *c)
{
	return &all->slot->tally.listeners[conns_row(all, c)];
}

/*
 * Takes over the connections of an earlier worker of the slot, each of which recovery has found
 * sound: is_kept says it of every record below the arena's conn_high. Before any conns_accept.
 * False with errno. Allocates.
 */
bool conns_resume(struct conns *all, const bool *is_kept);

/* The client's address as a record keeps it; returns its port. */
uint16_t conns_remember(struct net *net, const struct addr *remote);

/* Takes over an accepted descriptor: records it and serves it. conn_limit_has must hold. */
void conns_accept(struct conns *all, uint32_t listener, int fd, const struct addr *remote);

/*
 * For loop->tagged: epoll said `events` of the connection of the tag. If it still lives, it is
 * visited now or, where it would hold up others, later in its turn.
 */
void conns_ready(struct conns *all, uint64_t tag, uint32_t events);
uint64_t conns_tag(const struct conn *c);

/* True when connections wait for their turn: the loop must not sleep. */
static inline bool conns_wait(const struct conns *all)
{
	return !runqueue_is_empty(&all->queue);
}

/*
 * After the events of each turn of the loop: visits those that wait, as long as the turn lasts and
 * one at least; ends or moves on what is due; writes many lines of the access log.
 */
void conns_end_turn(struct conns *all);

/*
 * Begins to drain: each connection ends as soon as it is between messages. All are visited in their
 * turn.
 */
void conns_drain(struct conns *all);

/* Ends all of them now. */
void conns_end_all(struct conns *all, enum close_reason reason);

/* Lends c->in or c->out a buffer unless it has one; takes back those that are empty. */
void conns_lend(struct conns *all, struct buf *b);
void conns_take_back(struct conns *all, struct buf *b);

/* The record of a connection that has ended is free again. */
void conns_forget(struct conns *all, struct conn *c);

#endif
