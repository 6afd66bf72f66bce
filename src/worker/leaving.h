/* SPDX-License-Identifier: MIT */
/* Which connections end because they are between messages. Worker only. */
#ifndef WORKER_LEAVING_H
#define WORKER_LEAVING_H

#include "worker/pool.h"

/*
 * A connection at the end of its lifetime: the side whose input has come, which is served first;
 * NULL: it ends now.
 */
struct conn *leaving_find_input(const struct pool *pool, struct conn *c);

/*
 * Why a connection between messages is to end now; CLOSE_none: it is not. In a draining worker one
 * that has sent nothing yet has a moment to do so.
 */
enum close_reason leaving_find(const struct pool *pool, const struct conn *c);

#endif
