/* SPDX-License-Identifier: MIT */
/* Which connections end because they are between messages. Worker only. */
#ifndef WORKER_LEAVING_H
#define WORKER_LEAVING_H

#include "worker/pool.h"

/* True when the worker would read bytes that have come. */
bool leaving_has_input(const struct conn *c);

/*
 * Why a connection between messages is to end now; CLOSE_none: it is not. In a draining worker one
 * that has sent nothing yet has a moment to do so.
 */
enum close_reason leaving_find(const struct pool *pool, const struct conn *c);

#endif
