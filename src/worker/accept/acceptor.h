/* SPDX-License-Identifier: MIT */
/*
 * Accepting: one connection for each wake-up. Worker only.
 *
 * A worker that should be woken after the others takes the listener out of its epoll and adds it
 * again, which moves it to the tail of the socket's wait queue (EPOLLEXCLUSIVE wakes the head,
 * epoll_ctl(2)). A lighter worker that sleeps is kicked; worker/accept/balance.h decides which
 * worker is lighter.
 *
 * net/listen_guard.h undoes changes that another process has made to a shared socket.
 *
 * Which listeners epoll watches (worker/accept/accept_pause.c):
 *
 *   WATCHING --no place, here though elsewhere, or no descriptors (EMFILE)--> PAUSED
 *   WATCHING --one that is open lacks descriptors or memory (pool_note_lack)--> PAUSED
 *   PAUSED --a connection ends, or timer, and none that is open lacks any--> WATCHING
 *   WATCHING --a limit of the listener (worker/limit/limiter.h)--> HELD
 *   HELD --the limit has room: a connection ends, or timer--> WATCHING
 *   any --drain--> CLOSED
 *
 * Each worker owns one socket of a reuse_port listener. If the owner of a socket is not there, the
 * ready worker with the lowest number serves that socket, so that no connection waits in vain.
 */
#ifndef WORKER_ACCEPT_ACCEPTOR_H
#define WORKER_ACCEPT_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/timer.h"
#include "net/listen_guard.h"
#include "worker/accept/balance.h"
#include "worker/accept/kept_places.h"
#include "worker/accept/make_room.h"
#include "worker/pool.h"

struct acceptors;

struct acceptor {
	struct watch watch;
	struct acceptors *all;
	unsigned index;  /* of the listener */
	unsigned socket; /* index into the listener's sockets */
	bool is_watching;
	bool has_passed; /* at its last readiness a lighter worker had the first chance */
	bool is_lost;    /* another process has shut it down for good */
	bool is_shared;  /* other workers accept from the same socket */
	/* its listener is at a limit: when to look whether there is room again; 0: it is not */
	int64_t look_ms;
	int64_t waits_said_ms; /* when it was last logged that it waits to listen; 0: never */
};

struct acceptors {
	struct acceptor *list;
	unsigned count;
	struct loop *loop;
	struct pool *pool;
	struct timer_heap *alarms;
	struct balance balance;
	struct listen_guard guard;
	struct watch kick;
	struct alarm resume;
	struct alarm calm;  /* fires when no failure has come for a while */
	struct alarm adopt; /* checks for sockets without an owner */
	struct alarm look;  /* at listeners that are at a limit */
	struct make_room room;
	struct kept_places kept;
	uint32_t freed_seen; /* pool->freed at the last check for room */
	int64_t lack_seen;   /* pool->lacked_ms at the last check for lack */
	int64_t paused_us;   /* start of the pause's part that is not counted yet */
	bool is_paused;      /* none of them is in epoll */
	bool is_exhausted;   /* the pause is for want of descriptors or memory, and is logged */
	bool is_held;        /* one is not in epoll: no place is left for its connections */
	bool is_limited;     /* one is not in epoll: its listener is at a limit */
	bool is_full;        /* the worker is full, and that is logged */
	bool is_closed;
};

static inline const struct listener *acceptor_listener(const struct acceptor *a)
{
	return &a->all->pool->listeners->list[a->index];
}

/* The most alarms that acceptors set at once: resume, calm, adopt and look. */
enum { ACCEPTORS_ALARMS = 4 };

/*
 * Starts watching the sockets that this worker serves; the list must be complete. accept_pause_stop
 * ends it.
 */
void accept_pause_start(struct acceptors *all);
void accept_pause_stop(struct acceptors *all);

/* Adds the listener to epoll (returns false with errno set); removes it. */
bool accept_pause_watch(struct acceptor *a);
void accept_pause_unwatch(struct acceptor *a);

/* Descriptors or memory ran out, errno is set: no listener is watched for a while. Logged once. */
void accept_pause_exhausted(struct acceptor *a);

/* Takes only this listener out of epoll for a while: another one may have reserved places left. */
void accept_pause_hold(struct acceptor *a);

/*
 * Takes this listener out of epoll, until due_ms at the latest: a limit has no room, or its port is
 * in use. The limits are looked at again then, and whenever a connection of this worker ends. The
 * other listeners go on.
 */
void accept_pause_until(struct acceptor *a, int64_t due_ms);

/* Looks whether limits that have been reached have room again. */
void accept_pause_look_at_limits(struct acceptors *all);

/*
 * Another worker has left connections of listeners with limits in the queue, and leaves: looks
 * whether some are there.
 */
void accept_pause_look_again(struct acceptors *all);

/* Logs that no place is left, once until a tenth of the places is free again. */
void accept_pause_log_full(const struct acceptor *a);

/* Connections have ended since the last check: publishes the load, and ends a pause. */
void accept_pause_note_room(struct acceptors *all);

/* A connection that is open lacks descriptors or memory. */
void accept_pause_note_lack(struct acceptors *all);

static inline void accept_pause_check_room(struct acceptors *all)
{
	if (all->pool->lacked_ms != all->lack_seen)
		accept_pause_note_lack(all);
	if (all->pool->freed != all->freed_seen)
		accept_pause_note_room(all);
}

/* Publishes this worker's load and state to the other workers. */
void accept_pause_tell_load(struct acceptors *all);

/* True when a lighter worker has been woken to accept. */
bool accept_pause_pass(const struct acceptor *a, const struct standing *standing);

/* After each turn of the loop: counts the time of a pause, so that a crash loses little of it. */
void accept_pause_end_turn(struct acceptors *all);

/*
 * Starts accepting from every listener of the pool. The caller sets loop, pool, alarms, bans, room
 * and the fields of balance. Returns false with errno set. Allocates. Worker only.
 */
bool acceptors_start(struct acceptors *all);

/* Stops accepting for good and closes the listening sockets (closed, never shut down). */
void acceptors_close(struct acceptors *all);

#endif
