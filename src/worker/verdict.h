/* SPDX-License-Identifier: MIT */
/* What follows when a service has been called for the connection in hand. Worker only. */
#ifndef WORKER_VERDICT_H
#define WORKER_VERDICT_H

#include "worker/pool.h"

/*
 * Carries out the service's verdict: sends, calls the service for more while the client takes it
 * and the share lasts, and ends the connection.
 */
void verdict_carry_out(struct pool *pool, struct conn *side, enum verdict verdict);

/* After a visit: waits for the next event. */
void verdict_wait(struct pool *pool, struct conn *side);

#endif
