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
	ACCEPT_WORKERS = 4,
	ACCEPT_STREAK = 4, /* connections after which a rotating worker goes to the tail */
};

enum accept_way {
	ACCEPT_BLOCKING,  /* accept() that waits */
	ACCEPT_HERD,      /* level-triggered epoll */
	ACCEPT_EXCLUSIVE, /* the same with EPOLLEXCLUSIVE */
	ACCEPT_ROTATING, /* the same, and after ACCEPT_STREAK connections out of the epoll and back */
	ACCEPT_KICKING, /* EPOLLEXCLUSIVE; who has more than another wakes that one instead */
};

/* A worker's notes; written by the worker, but for asked and asker. */
struct accept_worker {
	_Atomic unsigned live;  /* connections that it has accepted, all of which stay open */
	_Atomic unsigned empty; /* accept() = EAGAIN */
	_Atomic unsigned kicks; /* that it gave */
	_Atomic unsigned asked; /* what others want of it, see race.c */
	_Atomic unsigned asker; /* the seat of who wants it to accept */
	int bell;               /* eventfd(2) that wakes it */
};

struct accept_workers {
	struct accept_worker seat[ACCEPT_WORKERS];
	_Atomic unsigned last; /* the seat of who accepted last */
	int bell;              /* eventfd(2), rung after each connection */
};

/*
 * Makes the page and its bells; before the workers are hired. One at a time. Gives up where it
 * cannot.
 */
struct accept_workers *accept_workers_open(struct output *out);
void accept_workers_close(struct accept_workers *race);

/* To serve that listening socket from that seat in that way; comes back only with an error. */
struct call accept_workers_call(enum accept_way way, int listener, unsigned seat);

/*
 * How often the process has gone to sleep (proc(5), voluntary_ctxt_switches); -1 where it is not
 * told.
 */
int64_t kernel_sleeps(pid_t pid);

/*
 * How uneven the seats are: the standard deviation of their connections over the mean (the
 * coefficient of variation) in hundredths; 0: all have the same.
 */
unsigned accept_workers_spread(const struct accept_workers *race);

#endif
