/* SPDX-License-Identifier: MIT */
/*
 * The workers of the lesson accept-race: the ways in which several processes can wait for
 * connections on one listening socket, each as a call (call.h) that a worker makes until it is
 * killed, and the shared memory in which the workers count what they do. A lesson's own process and
 * its workers.
 */
#ifndef DEMO_LESSONS_ACCEPT_WORKERS_H
#define DEMO_LESSONS_ACCEPT_WORKERS_H

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
	ACCEPT_ROTATING,  /* and after ACCEPT_STREAK connections out of the epoll and back */
	ACCEPT_KICKING,   /* EPOLLEXCLUSIVE; a worker wakes another that has fewer connections */
};

/* Written by the worker itself, but for requests and requester. */
struct accept_worker {
	_Atomic unsigned live;      /* accepted connections, all of which stay open */
	_Atomic unsigned empty;     /* accept() = EAGAIN */
	_Atomic unsigned kicks;     /* given to others */
	_Atomic unsigned requests;  /* of other workers, see accept_workers.c */
	_Atomic unsigned requester; /* the number of the worker that wants it to accept */
	int wake_fd;                /* eventfd(2) that wakes it */
};

struct accept_workers {
	struct accept_worker worker[ACCEPT_WORKERS];
	_Atomic unsigned last; /* the number of the worker that accepted last */
	int accepted_fd;       /* eventfd(2), written after each connection */
};

/*
 * Makes the shared memory, one at a time, before the workers are forked. Skips the rest of the
 * lesson after a failure.
 */
struct accept_workers *accept_workers_open(struct output *out);
void accept_workers_close(struct accept_workers *workers);

/* Serves the listening socket in that way as the worker of that number; returns only an error. */
struct call accept_workers_call(enum accept_way way, int listener, unsigned number);

/*
 * How uneven the workers' connections are: their standard deviation over their mean (the
 * coefficient of variation) in hundredths; 0 when all workers have the same number.
 */
unsigned accept_workers_spread(const struct accept_workers *workers);

#endif
