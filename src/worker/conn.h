/* SPDX-License-Identifier: MIT */
/*
 * The life of one connection.
 *
 *   PREFACE --complete, admitted--> OPEN        (without a preface it begins as OPEN or WAITING)
 *   PREFACE --complete, its source has no room--> WAITING --it has--> OPEN
 *   OPEN --FINISH--> FLUSHING --out empty: shutdown(SHUT_WR)--> LINGERING
 *   LINGERING --peer's FIN or timeout: close()--> CLOSED
 *   any state --ABORT or error: close()--> CLOSED
 *
 * worker/conn.c holds the only shutdown() and close() on a connection and makes every transition.
 * Worker only.
 */
#ifndef WORKER_CONN_H
#define WORKER_CONN_H

#include <stdint.h>

#include "worker/conn_record.h"
#include "worker/pool.h"

/* Changes the state of the connection, on both sides of a pair; the picture must allow it. */
void conn_move_to(struct conn *c, enum conn_state next);

/* In hand: ends the connection now, in any state. Its records are free afterwards. */
void conn_close(struct conn *side, enum close_reason reason);

/* The reason to end with after a failed call on that side; the errno of a peer is no client's. */
enum close_reason conn_reason_of(const struct conn *c, int error);

/*
 * This side's receive has failed with errno. Returns true when its stream counts as ended, so that
 * its peer gets what came before; otherwise the connection has ended.
 */
bool conn_lose_input(struct conn *c);

/*
 * Sends what waits on all sides, and passes ends of streams on. Returns true unless that ended the
 * connection.
 */
bool conn_flush(struct conn *c);

/*
 * In hand: the connection goes on with fd, a socket that it owns from now on, in the place of the
 * client's, which another process has and serves. No epoll watches the client's any more. Returns
 * false, and nothing is changed, with errno set.
 */
bool conn_give(struct conn *c, int fd);

/* In hand: ends the peer of the client's side, which goes on without one. */
void conn_drop_peer(struct conn *client);

/*
 * The client's side, in FLUSHING with nothing left to send: the server ends its side, and the
 * client may still read the last answer and end its own.
 */
void conn_half_close(struct conn *c);

/*
 * Sets the events and the timers of all sides, for the client's side. Returns true unless that
 * ended the connection.
 */
bool conn_wait(struct conn *c);

/* The same as conn_close for a connection that is not in hand. */
void conn_end(struct pool *pool, struct record *r, enum close_reason reason);

/*
 * Takes over a connection that another worker served: waits for its client again, with the old
 * deadlines. What epoll watches is set right where the record says otherwise.
 */
void conn_resume(struct pool *pool, struct record *client);

/*
 * Steps by which a connection goes to another worker, without a word to the client. conn_freeze
 * takes it out of all lists until conn_resume. conn_detach takes it out of epoll; it returns false
 * with errno set when epoll may still report it.
 */
void conn_freeze(struct pool *pool, struct record *client);
bool conn_detach(struct pool *pool, struct record *client);

/*
 * Another worker has it: frees its records, and writes its descriptors, CONN_FDS_MOST at most, to
 * fds; returns how many. conn_close_fds closes them, in any order.
 */
enum { CONN_FDS_MOST = 6 };
unsigned conn_let_go(struct pool *pool, struct record *client, int *fds);
void conn_close_fds(int *fds, unsigned count);

#endif
