/* SPDX-License-Identifier: MIT */
/*
 * The connections of a worker as a set: the free records and buffers of the arena, the count of
 * connections, their timers, and the run queue. The lists are the worker's own memory, in pages
 * that cost nothing until touched; the next worker builds its own from the arena. Worker only.
 */
#ifndef WORKER_POOL_H
#define WORKER_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/free_list.h"
#include "base/loop.h"
#include "base/ring.h"
#include "base/timer.h"
#include "net/ban.h"
#include "net/conn_limit.h"
#include "net/listener.h"
#include "stats/scoreboard.h"
#include "tls/session.h"
#include "worker/arena.h"
#include "worker/conn_record.h"
#include "worker/limit/limiter.h"
#include "worker/limit/waiting.h"
#include "worker/pair/pipes.h"
#include "worker/server_count.h"
#include "worker/server_queue.h"

/* The connection in hand, and what its visit has done so far. */
struct hand {
	struct conn client, peer; /* peer: only of a pair */
	int connect_error;        /* of the connect(2) of its peer, which has ended; 0: none */
	uint64_t messages_before; /* of the connection, at the start of the visit */
	int64_t begun_us;         /* likewise: when its message in progress began */
	size_t moved;             /* bytes that this visit moved */
	int64_t asked_us;         /* CPU time of its service in this visit, while is_weighing */
};

/* Of the listeners whose service relays a stream (service.h); 0: never. */
struct stream_timeouts {
	int64_t idle_ms, half_close_ms;
};

/* The records whose descriptors are still to be checked (worker/recovery/audit.h). */
struct audit {
	bool *waits; /* for each record */
	uint32_t count;
	uint32_t next; /* no record below it waits */
};

struct pool {
	struct loop *loop;
	struct arena *arena;
	struct slot *slot; /* this worker's, for its counters */
	unsigned number;   /* of this worker */
	struct server_count servers;
	const struct conf *conf; /* NULL: no listener relays a stream */
	const struct listener_set *listeners;
	const struct loaded *loaded; /* heritage.h */
	const struct bans *bans;     /* NULL: none */
	struct timer_heap timers;
	struct timer_node *nodes; /* of each record */
	uint64_t *taken;          /* likewise: what its other end had taken (worker/deadline.h) */
	struct free_list records, bufs;
	struct sessions sessions;        /* of the connections with TLS */
	const struct tls_sites *sites;   /* heritage.h */
	uint64_t strays;                 /* session_strays, as it was counted last */
	struct ring queue;               /* records that wait for their turn */
	struct pipes pipes;              /* of the pairs that relay in bulk */
	struct conn_limit limit;         /* which listener may have the next place */
	struct limiter limiter;          /* which may have one over all workers */
	struct server_queue queues;      /* what waits for a place at a server */
	struct waiting waiting;          /* what waits for its source to have room */
	const struct service **services; /* of each listener */
	struct stream_timeouts *streams; /* likewise */
	struct hand hand;
	struct audit audit;
	uint64_t answered; /* messages begun and answered since the last reading of the clock */
	bool is_weighing;  /* the cost is measured, since others wait */
	bool is_ahead;     /* this visit comes before connections that wait */
	unsigned visits;   /* since the last reading of the clock */
	bool draining;
	int64_t drain_begun_ms; /* no connection waits for a message after drain_last_ms */
	int64_t drain_last_ms;
	uint32_t freed; /* connections that have ended: a change means room */
	/* why a connection last failed to get what it needs beside its own descriptor; 0: never */
	int lack_error;
	int64_t lacked_ms;
};

/*
 * Prepares an empty set over the arena; the caller sets loop, arena, slot, number, listeners,
 * loaded, bans and, where the server has limits, limiter.memory, .board and .number. Returns false
 * with errno set. Allocates.
 */
bool pool_start(struct pool *pool);

/* Frees the memory of pool_start; all connections must have ended. */
void pool_stop(struct pool *pool);

/*
 * From here to pool_put_down the connection of that record, with its peer, is the one lost if this
 * worker dies: its state may be half written.
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

/* The record of the pair's other side; NULL: no pair. */
static inline struct record *pool_peer(const struct pool *pool, const struct record *r)
{
	return r->peer > 0 ? arena_record(pool->arena, r->peer - 1) : NULL;
}

/* The options of the connection's listener. */
static inline const struct listen_conf *pool_conf(const struct pool *pool, const struct record *r)
{
	return pool->listeners->list[r->listener].conf;
}

/* True when the connection's listener has a unix socket. */
static inline bool pool_is_unix(const struct pool *pool, const struct record *r)
{
	return pool->listeners->list[r->listener].bound.sa.sa_family == AF_UNIX;
}

/* The row of the connection's listener, and this worker's counters for it. */
static inline unsigned pool_row(const struct pool *pool, const struct record *r)
{
	return pool->listeners->list[r->listener].row;
}

static inline struct listener_tally *pool_tally(const struct pool *pool, const struct record *r)
{
	return &pool->slot->tally.listeners[pool_row(pool, r)];
}

/*
 * A connection that is open could not get a descriptor or memory, by that errno: none is accepted
 * as long as that lasts (worker/accept/accept_pause.c).
 */
static inline void pool_note_lack(struct pool *pool, int error)
{
	pool->lack_error = error;
	pool->lacked_ms = pool->loop->now_ms;
}

/* The check of that record (worker/recovery/audit.h) waits no more. */
void pool_end_check(struct pool *pool, uint32_t index);

/*
 * A descriptor has been opened, so it was closed before: a record whose check waits
 * (worker/recovery/audit.h) and that names it is damaged, and names none from now on.
 */
void pool_note_opened(struct pool *pool, int fd);

/* The connection's tag in epoll. */
static inline uint64_t pool_tag(const struct record *r)
{
	return (uint64_t)(r->serial & INT32_MAX) << 32 | r->index;
}

/* True when connections wait for their turn: the loop must not sleep. */
static inline bool pool_has_waiting(const struct pool *pool)
{
	return !ring_is_empty(&pool->queue);
}

/* Fills in one side, without its peer. */
void pool_view(struct pool *pool, struct record *r, struct conn *side);

/* Fills in the client's side and, where it has one, its peer's, each with the other. */
void pool_view_pair(struct pool *pool, struct record *r, struct conn *client, struct conn *peer);

/* As pool_view before there is a pool: for a look at the state alone. */
void pool_view_at(const struct heritage *heritage, struct record *r, struct conn *side);

/* True when ending the connection now costs no client an answer (conn_rests). */
bool pool_rests(struct pool *pool, struct record *r);

/* A stream is never between messages; true when it has a server, and nothing is on its way. */
bool pool_stream_rests(const struct pool *pool, const struct record *client);

/*
 * Returns a record for an accepted descriptor, in hand from its first byte on: a worker that dies
 * here loses this connection and no other. conn_limit_has must be true.
 */
struct record *pool_new_record(struct pool *pool, uint32_t listener, int fd,
			       const struct addr *remote);

/*
 * Returns a zeroed record with an index of its own, for a connection that counts already (the peer
 * of a pair) or that pool_count_in counts; NULL when there is none. It is not in use yet.
 */
struct record *pool_take_record(struct pool *pool);

/* Notes which listener the connection belongs to. */
void pool_set_listener(const struct pool *pool, struct record *r, uint32_t listener);

/* Marks a record as used, once all its fields are written. */
void pool_publish_record(struct pool *pool, struct record *r);

/*
 * Counts a connection whose client's record is in use, or no longer. For the limits of its listener
 * it has been counted before (limiter_claim, limiter_count_in).
 */
void pool_count_in(struct pool *pool, const struct record *client);
void pool_count_out(struct pool *pool, struct record *client);

/*
 * Notes the server of a peer, or for whose upstream a client waits, in a record that is in use, and
 * counts it there; server: 1 + its row, 0: none. A client that waited in a line has left it.
 */
void pool_set_server(struct pool *pool, struct record *r, unsigned server);

/*
 * A client that waits in a line, by its record, does so in this worker as well: for its source to
 * have room, or for a place at a server.
 */
void pool_join_line(struct pool *pool, struct record *client);

/* Gives back the record, its buffers, its timer and its place in the run queue. */
void pool_give_record(struct pool *pool, struct record *r);

/* Lends c->in or c->out a buffer unless it has one; takes back an empty one. */
void pool_lend_buf(struct pool *pool, struct buf *b);
void pool_take_back_buf(struct pool *pool, struct buf *b);

/* Frees the records of a connection that has ended, and logs and counts the end. */
void pool_forget(struct pool *pool, struct conn *c);

#endif
