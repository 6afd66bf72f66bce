/* SPDX-License-Identifier: MIT */
/*
 * Pairs: a connection with a second descriptor of the same client, such as an upstream server or a
 * child's pipe. In hand the two are one; each side has its own buffers, deadline and half-close;
 * they count as one connection. Worker only, for services.
 */
#ifndef WORKER_PAIR_H
#define WORKER_PAIR_H

#include "worker/conn_record.h"

/*
 * Gives the connection in hand, which has none, a peer with that socket; is_connecting: its
 * connect(2) has not ended. The connection owns fd from now on and ends it with itself. Returns the
 * peer, or NULL when no record is free: then fd stays the caller's.
 */
struct conn *pair_attach(struct conn *c, int fd, bool is_connecting);

/*
 * Passes what one side has received on to the other without a copy, and the end of its stream after
 * it. The hook input of a service that only relays.
 */
enum verdict pair_relay(struct conn *c);

/* True when both directions have ended and everything has gone out. */
bool pair_is_over(const struct conn *c);

#endif
