/* SPDX-License-Identifier: MIT */
/*
 * The workers of the lesson accept-race: the ways in which several processes can wait for
 * connections on one listening socket, as orders (order.h) that a worker carries out until it is
 * killed, and the page of shared memory on which they note what they do. A lesson's own process and
 * its workers.
 */
#ifndef DEMO_LESSONS_ACCEPT_WORKERS_H
#define DEMO_LESSONS_ACCEPT_WORKERS_H

#include <stdint.h>
#include <sys/types.h>

#include "demo/call.h"
#include "demo/output.h"

enum {
	RACE_WORKERS = 4,
	RACE_STREAK = 4, /* connections after which a rotating worker goes to the tail */
};

enum race_way {
	RACE_BLOCKING,  /* accept() that waits */
	RACE_HERD,      /* level-triggered epoll */
	RACE_EXCLUSIVE, /* the same with EPOLLEXCLUSIVE */
	RACE_ROTATING,  /* the same, and after RACE_STREAK connections out of the epoll and back */
	RACE_KICKING,   /* EPOLLEXCLUSIVE; who has more than another wakes that one instead */
};

/* A worker's notes; written by the worker, but for asked and asker. */
struct race_seat {
	_Atomic unsigned live;  /* connections that it has accepted, all of which stay open */
	_Atomic unsigned empty; /* accept() = EAGAIN */
	_Atomic unsigned kicks; /* that it gave */
	_Atomic unsigned asked; /* what others want of it, see race.c */
	_Atomic unsigned asker; /* the seat of who wants it to accept */
	int bell;               /* eventfd(2) that wakes it */
};

struct race {
	struct race_seat seat[RACE_WORKERS];
	_Atomic unsigned last; /* the seat of who accepted last */
	int bell;              /* eventfd(2), rung after each connection */
};

/*
 * Makes the page and its bells; before the workers are hired. One at a time. Gives up where it
 * cannot.
 */
struct race *race_open(struct stage *stage);
void race_close(struct race *race);

/* To serve that listening socket from that seat in that way; comes back only with an error. */
struct order race_order(enum race_way way, int listener, unsigned seat);

/*
 * How often the process has gone to sleep (proc(5), voluntary_ctxt_switches); -1 where it is not
 * told.
 */
int64_t race_sleeps(pid_t pid);

/*
 * How uneven the seats are: the standard deviation of their connections over the mean (the
 * coefficient of variation) in hundredths; 0: all have the same.
 */
unsigned race_spread(const struct race *race);

#endif
