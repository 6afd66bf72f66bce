/* SPDX-License-Identifier: MIT */
/* A connection's deadline: one at a time, by the event it waits for. For worker/conn.c. */
#ifndef WORKER_DEADLINE_H
#define WORKER_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/conn_record.h"
#include "worker/pool.h"

/*
 * When the connection is due (clock_ms()), given the event it waits for; 0: never. *why is the
 * reason it would end with.
 */
int64_t deadline_due_ms(const struct pool *pool, const struct conn *c, enum close_reason *why);

/* Sets the connection's timer if its deadline has come nearer. */
void deadline_set(struct pool *pool, struct conn *c);

/*
 * The connection's timer has fired, and its deadline is due_ms. True when that is still to come, or
 * when the connection waits in the run queue: then this worker is slow, not the client.
 */
bool deadline_put_off(struct pool *pool, struct conn *c, int64_t due_ms);

/* True when a connection that has sent nothing yet has had its moment to do so. */
bool deadline_is_stale(const struct pool *pool, const struct conn *c);

#endif
