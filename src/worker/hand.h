/* SPDX-License-Identifier: MIT */
/*
 * The connection in hand: the one that is lost if this worker dies, with its peer. Takes it up,
 * calls its service, and puts it down. Worker only.
 */
#ifndef WORKER_HAND_H
#define WORKER_HAND_H

#include "worker/pool.h"

/*
 * Fills in the connection of that client's record without taking it in hand; its service is not
 * called.
 */
struct conn *hand_view(struct pool *pool, struct record *client);

/*
 * Takes the connection of that record, which may be either side of a pair, in hand. Returns that
 * side.
 */
struct conn *hand_take(struct pool *pool, struct record *r);

/*
 * Writes the buffers back unless the connection has ended, counts its messages, and puts it down.
 */
void hand_put_down(struct pool *pool);

/*
 * The hooks of the connection's service, or their defaults (worker/service.h); they take either
 * side.
 */
enum verdict hand_call_preface(struct conn *c);
enum verdict hand_call_open(struct conn *c);
enum verdict hand_call_input(struct conn *c);
enum verdict hand_call_drained(struct conn *c);
enum verdict hand_call_expired(struct conn *c);

/* Lends an output buffer, calls that hook, and measures its cost. */
enum verdict hand_ask(struct conn *c, enum verdict (*hook)(struct conn *));

#endif
