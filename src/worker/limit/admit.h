/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a connection whose source is known: it is opened, it waits until its source has
 * room, or it ends, by the limits of its listener (worker/limit/limiter.h). Worker only.
 */
#ifndef WORKER_LIMIT_ADMIT_H
#define WORKER_LIMIT_ADMIT_H

#include "worker/pool.h"

enum admit { ADMIT_OPEN, ADMIT_WAITS, ADMIT_ENDED };

/*
 * In hand: asks for a new connection, of which nothing was read but a preface. One that is to wait
 * is WAITING from then on; the caller sets its events.
 */
enum admit admit_new(struct conn *c);

/*
 * In hand: visits one that is WAITING, for these events of epoll or because its time has come; it
 * asks again, or ends it if its client is gone. One that may be opened waits no more.
 */
enum admit admit_waiting(struct conn *c, uint32_t events);

/* Ends connections that wait beyond what one worker keeps waiting. Nothing is in hand. */
void admit_trim(struct pool *pool);

#endif
