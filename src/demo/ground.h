/* SPDX-License-Identifier: MIT */
/*
 * What a lesson stands on: a loopback interface that is up, and sockets on it. A lesson's own
 * process. What fails ends the lesson (output_skip_rest).
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
void find_loopback(struct output *out);

/* 127.0.0.1 and that port. */
struct addr call_loopback(unsigned port);

/*
 * A socket that listens on 127.0.0.1, at a port the system chooses; *bound is its address. It does
 * not block (call_accept waits by poll(2)).
 */
int process_listen(struct output *out, int backlog, struct addr *bound);

/* A connection to there, in this process. */
int ground_connect(struct output *out, const struct addr *to);

/* Waits for a connection and accepts it, in this process. The descriptor blocks. */
int ground_accept(struct output *out, int listener);

#endif
