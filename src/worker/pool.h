/* SPDX-License-Identifier: MIT */
/*
 * The connections of a worker as a set: the free records and buffers of the arena, the count of
 * connections, their deadlines, and the run queue. The lists are the worker's own memory, in pages
 * that cost nothing until touched; the next worker builds its own from the arena. Worker only.
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
#include "worker/conn_limit.h"
#include "worker/conn_record.h"
#include "worker/runqueue.h"

/* Free indexes: those given back, the last one first, then those never used, from high on. */
struct free_list {
	uint32_t *given_back;
	uint32_t count, most;
	uint32_t high;
};

struct pool {
	struct loop *loop;
	struct arena *arena;
	struct slot *slot; /* this worker's, for its counters */
	const struct listener_set *listeners;
	struct timer_heap timers;
	struct free_list records, bufs;
	struct runqueue queue;           /* records that wait for their turn */
	struct conn_limit limit;         /* which listener may have the next place */
	const struct service **services; /* of each listener */
	uint32_t last_serial;
	uint64_t messages_before; /* of the connection in hand, at the start of the visit */
	int64_t begun_us;         /* likewise: when its message in progress began */
	uint64_t answered; /* messages begun and answered since the last reading of the clock */
	size_t moved;      /* bytes that this visit of the connection in hand moved */
	int64_t asked_us;  /* CPU time of its service in this visit, while is_weighing */
	bool is_weighing;  /* the cost is measured, since others wait */
	bool is_ahead;     /* this visit comes before connections that wait */
	unsigned visits;   /* since the last reading of the clock */
	bool draining;
	uint32_t freed; /* connections that have ended: a change means room */
};

/* The connections with the oldest times, found in one walk over the records; the oldest first. */
enum { POOL_OLDEST_MOST = 64 };

struct pool_oldest {
	struct {
		int64_t time;
		uint32_t index;
	} list[POOL_OLDEST_MOST];
	unsigned count, wanted; /* wanted: how many to find, 1 .. POOL_OLDEST_MOST */
};

/* Considers the next record of the walk. */
static inline void pool_consider_oldest(struct pool_oldest *o, uint32_t index, int64_t time)
{
	unsigned at = o->count;

	if (at == o->wanted && time >= o->list[at - 1].time)
		return;
	if (at < o->wanted)
		o->count++;
	else
		at--;
	for (; at > 0 && time < o->list[at - 1].time; at--)
		o->list[at] = o->list[at - 1];
	o->list[at].time = time;
	o->list[at].index = index;
}

/*
 * Prepares an empty set over the arena; the caller sets loop, arena, slot and listeners. Returns
 * false with errno set. Allocates.
 */
bool pool_start(struct pool *pool);

/* Frees the memory of pool_start; all connections must have ended. */
void pool_stop(struct pool *pool);

/*
 * From here to pool_put_down the connection at that index is the one lost if this worker dies: its
 * state may be half written.
 */
static inline void pool_take_in_hand(struct pool *pool, uint32_t index)
{
	atomic_store_explicit(&pool->arena->head->in_hand, index + 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void pool_put_down(struct pool *pool)
{
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&pool->arena->head->in_hand, 0, memory_order_relaxed);
}

/* The row of the connection's listener, and this worker's counters for it. */
static inline unsigned pool_row(const struct pool *pool, const struct conn *c)
{
	return pool->listeners->list[c->listener].row;
}

static inline struct listener_tally *pool_tally(const struct pool *pool, const struct conn *c)
{
	return &pool->slot->tally.listeners[pool_row(pool, c)];
}

/* The connection's tag in epoll. */
uint64_t pool_tag(const struct conn *c);

/* True when connections wait for their turn: the loop must not sleep. */
static inline bool pool_has_waiting(const struct pool *pool)
{
	return !runqueue_is_empty(&pool->queue);
}

/*
 * Returns a record for an accepted descriptor, in hand from its first byte on: a worker that dies
 * here loses this connection and no other. conn_limit_has must be true.
 */
struct conn *pool_new_record(struct pool *pool, uint32_t listener, int fd,
			     const struct addr *remote);

/*
 * Finds the free records and buffers in the arena of an earlier worker of the slot: is_kept has an
 * entry for every record below the arena's conn_high, true if its connection goes on. Before any
 * other record is taken. Returns false with errno set. Allocates.
 */
bool pool_resume(struct pool *pool, const bool *is_kept);

/* Lends c->in or c->out a buffer unless it has one; takes back an empty one. */
void pool_lend_buf(struct pool *pool, struct buf *b);
void pool_take_back_buf(struct pool *pool, struct buf *b);

/* Frees the record of a connection that has ended. */
void pool_forget(struct pool *pool, struct conn *c);

/*
 * When the connection is due (clock_ms()), given the event it waits for; 0: never. *why is the
 * reason it would end with.
 */
int64_t pool_due_ms(const struct pool *pool, const struct conn *c, enum close_reason *why);

/* Sets the connection's timer if its deadline has come nearer. */
void pool_set_deadline(struct pool *pool, struct conn *c);

/*
 * The connection's timer has fired, and its deadline is due_ms. True when that is still to come, or
 * when the connection waits in the run queue: then this worker is slow, not the client.
 */
bool pool_put_off(struct pool *pool, struct conn *c, int64_t due_ms);

/* True when a connection that has sent nothing yet has had its moment to do so. */
bool pool_is_stale(const struct pool *pool, const struct conn *c);

#endif
