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

/* The client's address has changed. */
void hand_note_client(struct pool *pool, const struct record *client);

/* Counts the connection's messages, and puts it down. */
void hand_put_down(struct pool *pool);

/*
 * Call a hook of the service, or its default (worker/service.h), for that side: lend an output
 * buffer and measure the call's CPU time.
 */
enum verdict hand_ask_preface(struct conn *c);
enum verdict hand_ask_open(struct conn *c);
enum verdict hand_ask_input(struct conn *c);
enum verdict hand_ask_drained(struct conn *c);
enum verdict hand_ask_expired(struct conn *c);

/* The same when a timeout ends the client's side for that reason, which is set. */
enum verdict hand_ask_timed_out(struct conn *c, enum close_reason why);

/* The same for a peer whose connect(2) has ended, or whose other end was lost with that errno. */
enum verdict hand_ask_connected(struct conn *peer, int error);
bool hand_ask_lost(struct conn *peer, int error, enum verdict *verdict);

/* False when hand_ask_drained of this side, whose output has gone out, would find nothing to do. */
bool hand_has_more(const struct conn *c);

#endif
