/* SPDX-License-Identifier: MIT */
/*
 * Which of a worker's listeners epoll watches, and the pauses in which none or not all of them are
 * watched. Worker only.
 *
 *   WATCHING --no place, here though elsewhere, or no descriptors (EMFILE)--> PAUSED
 *   PAUSED --a connection ends, or timer--> WATCHING
 *   any --drain--> CLOSED
 *
 * Of a reuse_port listener's sockets each worker has its own; one whose owner is not there is
 * served by the ready worker with the lowest number, so that no connection waits in vain.
 */
#ifndef WORKER_ACCEPT_PAUSE_H
#define WORKER_ACCEPT_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/timer.h"
#include "worker/balance.h"
#include "worker/guard.h"
#include "worker/make_room.h"
#include "worker/pool.h"

struct acceptors;

struct acceptor {
	struct watch watch;
	struct acceptors *all;
	unsigned index;  /* of the listener */
	unsigned socket; /* of the listener's sockets */
	bool is_watching;
	bool has_passed; /* when it was last ready: a lighter worker had the first chance */
	bool is_lost;    /* somebody has shut it down for good */
	bool is_shared;  /* other workers accept from the same socket */
};

struct acceptors {
	struct acceptor *list;
	unsigned count;
	struct loop *loop;
	struct pool *pool;
	struct timer_heap *alarms;
	struct balance balance;
	struct guard guard;
	const struct bans *bans; /* in the scoreboard */
	struct watch kick;
	struct alarm resume;
	struct alarm calm;  /* no failure has come for a while */
	struct alarm adopt; /* looks for sockets without an owner */
	struct make_room room;
	uint32_t freed_seen; /* of the pool's, at the last look for room */
	int64_t paused_us;   /* since when, as far as it has not been counted */
	bool is_paused;      /* none of them watches */
	bool is_exhausted;   /* the pause is for want of descriptors or memory, and has been said */
	bool is_held;        /* one does not watch because no place is left for its connections */
	bool is_full;        /* and that has been said */
	bool is_closed;
};

static inline const struct listener *acceptor_listener(const struct acceptor *a)
{
	return &a->all->pool->listeners->list[a->index];
}

/* How many alarms acceptors can have set at once: resume, calm and adopt. */
enum { ACCEPTORS_ALARMS = 3 };

/* Begins to watch what this worker serves; the list is complete. accept_pause_stop ends it. */
void accept_pause_start(struct acceptors *all);
void accept_pause_stop(struct acceptors *all);

/* Puts the listener into epoll, false with errno; takes it out. */
bool accept_pause_watch(struct acceptor *a);
void accept_pause_unwatch(struct acceptor *a);

/* Watches what this worker serves, and nothing else. Without memory for epoll: all of it later. */
void accept_pause_watch_served(struct acceptors *all);

/* Descriptors or memory ran out, with errno: no listener is watched for a while. Said once. */
void accept_pause_exhausted(struct acceptor *a);

/* Takes the listener alone out of epoll for a while: another may keep places of its own. */
void accept_pause_hold(struct acceptor *a);

/* Logs that no place is left: once, until a tenth of them is free again. */
void accept_pause_say_full(const struct acceptor *a);

/* Connections may have ended: if some have, there is room again. */
void accept_pause_check_room(struct acceptors *all);

/* Tells the other workers of this one's load and state. */
void accept_pause_tell_load(struct acceptors *all);

/* True when a lighter worker has been woken to accept. */
bool accept_pause_pass(const struct acceptor *a, const struct standing *standing);

/* After each turn of the loop: counts the time of a pause, so that a death costs little of it. */
void accept_pause_end_turn(struct acceptors *all);

#endif
