/* SPDX-License-Identifier: MIT */
/*
 * The connections of a worker as a set: which records and buffers of the arena are free, how many
 * connections there are, their deadlines, and which wait for their turn. The lists are the worker's
 * own memory, in pages that cost nothing until touched; a later worker makes its own by looking at
 * the arena. Worker only.
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

/* Free indexes: those given back, last first, then those never used, from high on. */
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
	uint32_t freed; /* connections that have ended: a change means that there is room again */
};

/*
 * The few of many connections that have a time the longest ago, found in one walk over the records;
 * the oldest first.
 */
enum { POOL_OLDEST_MOST = 64 };

struct pool_oldest {
	struct {
		int64_t time;
		uint32_t index;
	} list[POOL_OLDEST_MOST];
	unsigned count, wanted; /* wanted: how many to find, 1 .. POOL_OLDEST_MOST */
};

/* The next one of the walk. */
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
 * Prepares an empty set over the arena; loop, arena, slot and listeners are set by the
 * caller. False with errno. Allocates.
 */
bool pool_start(struct pool *pool);

/* Lets go of what pool_start took; the connections must have ended. */
void pool_stop(struct pool *pool);

/*
 * From here to pool_put_down the connection of that index is the one that is lost if this worker
 * dies: its state may be half written.
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

/* The row of the connection's listener, and where this worker counts what that does. */
static inline unsigned pool_row(const struct pool *pool, const struct conn *c)
{
	return pool->listeners->list[c->listener].row;
}

static inline struct listener_tally *pool_tally(const struct pool *pool, const struct conn *c)
{
	return &pool->slot->tally.listeners[pool_row(pool, c)];
}

/* What epoll knows the connection by. */
uint64_t pool_tag(const struct conn *c);

/* True when connections wait for their turn: the loop must not sleep. */
static inline bool pool_has_waiting(const struct pool *pool)
{
	return !runqueue_is_empty(&pool->queue);
}

/*
 * A record for an accepted descriptor, in hand from its first byte on: a worker that dies in here
 * loses this connection and no other. conn_limit_has must hold.
 */
struct conn *pool_new_record(struct pool *pool, uint32_t listener, int fd,
			     const struct addr *remote);

/*
 * Finds out which records and buffers are free in the arena of an earlier worker of the slot:
 * is_kept says of every record below the arena's conn_high that its connection goes on. Before any
 * other record is taken. False with errno. Allocates.
 */
bool pool_resume(struct pool *pool, const bool *is_kept);

/* Lends c->in or c->out a buffer unless it has one; takes back those that are empty. */
void pool_lend_buf(struct pool *pool, struct buf *b);
void pool_take_back_buf(struct pool *pool, struct buf *b);

/* The record of a connection that has ended is free again. */
void pool_forget(struct pool *pool, struct conn *c);

#endif
