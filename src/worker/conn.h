/* SPDX-License-Identifier: MIT */
/*
 * The life of one connection.
 *
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

/*
 * Takes over a descriptor that accept returned, in the fresh record c: calls the service's open and
 * serves input that is already there.
 */
void conn_begin(struct pool *pool, struct conn *c);

/*
 * One visit: epoll reported `events` for the connection, or its turn has come in the run queue
 * (events 0). Moves at most one share of bytes; a connection with more to do is in the run queue
 * afterwards.
 */
void conn_ready(struct pool *pool, struct conn *c, uint32_t events);

/* The connection waits in the run queue: epoll stops reporting it. */
void conn_mute(struct pool *pool, struct conn *c);

/* The connection's deadline has passed. */
void conn_expire(struct pool *pool, struct conn *c);

/* Ends the connection now, in any state. The record is free afterwards. */
void conn_end(struct pool *pool, struct conn *c, enum close_reason reason);

/*
 * Takes over a connection of an earlier worker of the slot: waits for its client again, with the
 * old deadlines.
 */
void conn_resume(struct pool *pool, struct conn *c);

#endif
