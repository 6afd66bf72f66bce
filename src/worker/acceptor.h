/* SPDX-License-Identifier: MIT */
/*
 * Accepting: one connection for each wake-up.
 *
 *   WATCHING --no place, here though elsewhere, or no descriptors--> PAUSED
 *   PAUSED --a connection ends, or timer--> WATCHING
 *   any --drain--> CLOSED
 *
 * A worker that is to be woken after the others takes the listener out of its epoll and adds it
 * again, which moves it to the tail of the socket's wait queue (EPOLLEXCLUSIVE wakes the head,
 * epoll_ctl(2)); a lighter one that sleeps is kicked. Who that is: worker/balance.h.
 *
 * What another process, which shares a socket, may have done to it is worker/guard.h's business.
 *
 * Of a reuse_port listener's sockets each worker has its own; one whose owner is not there is
 * served by the ready worker with the lowest number, so that no connection waits in vain.
 */
#ifndef WORKER_ACCEPTOR_H
#define WORKER_ACCEPTOR_H

#include <stdbool.h>

#include "base/loop.h"
#include "base/timer.h"
#include "worker/balance.h"
#include "worker/guard.h"
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
	int64_t paused_us;  /* since when, as far as it has not been counted */
	bool is_paused;     /* none of them watches */
	bool is_exhausted;  /* the pause is for want of descriptors or memory, and has been said */
	bool is_held;       /* one does not watch because no place is left for its connections */
	bool is_full;       /* and that has been said */
	bool is_closed;
};

/*
 * Begins to accept from every listener of conns. loop, conns, alarms, penalties and balance's
 * fields are set by the caller. False with errno. Allocates. Worker only.
 */
bool acceptors_start(struct acceptors *all);

/* How many alarms acceptors can have set at once: resume, calm and adopt. */
enum { ACCEPTORS_ALARMS = 3 };

/* After each turn of the loop: counts the time of a pause, so that a death costs little of it. */
void acceptors_end_turn(struct acceptors *all);

/* Tells the other workers of this one's load and state. */
void acceptors_tell(struct acceptors *all);

/* A connection has ended: there is room again. */
void acceptors_room(struct acceptors *all);

/* Stops accepting for good and closes the listening sockets (closed, never shut down). */
void acceptors_close(struct acceptors *all);

#endif
