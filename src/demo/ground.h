/* SPDX-License-Identifier: MIT */
/*
 * What a lesson stands on: a loopback interface that is up, and sockets on it. A lesson's own
 * process. What fails ends the lesson (stage_give_up).
 */
#ifndef DEMO_GROUND_H
#define DEMO_GROUND_H

#include "base/addr.h"
#include "demo/output.h"

/*
 * Makes sure that 127.0.0.1 can be used. Where loopback is down, as in a new network namespace,
 * this process moves into a namespace of its own (unshare(2)) and brings loopback up there, so that
 * nothing changes outside. Gives up where that is forbidden. Before anything else.
 */
void ground_find(struct stage *stage);

/* 127.0.0.1 and that port. */
struct addr ground_address(unsigned port);

/*
 * A socket that listens on 127.0.0.1, at a port the system chooses; *bound is its address. It does
 * not block (order_accept waits by poll(2)).
 */
int ground_listen(struct stage *stage, int backlog, struct addr *bound);

/* A connection to there, in this process. */
int ground_connect(struct stage *stage, const struct addr *to);

/* Waits for a connection and accepts it, in this process. The descriptor blocks. */
int ground_accept(struct stage *stage, int listener);

#endif
