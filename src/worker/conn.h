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
 * A descriptor that accept returned is in the fresh record c: lets the service begin and serves
 * what is there already.
 */
void conn_begin(struct pool *pool, struct conn *c);

/*
 * One visit: epoll said `events` of the connection, or its turn has come in the run queue (events
 * 0). Moves no more than a share of bytes; one that has more to do stands in the run queue
 * afterwards.
 */
void conn_ready(struct pool *pool, struct conn *c, uint32_t events);

/* It waits in the run queue, and epoll need not report it again and again. */
void conn_mute(struct pool *pool, struct conn *c);

/* Its deadline has passed. */
void conn_expire(struct pool *pool, struct conn *c);

/* Ends it now, whatever it was doing. The record is free afterwards. */
void conn_end(struct pool *pool, struct conn *c, enum close_reason reason);

/*
 * It lived with an earlier worker of the slot: waits for its client again, with its old deadlines.
 */
void conn_resume(struct pool *pool, struct conn *c);

#endif
