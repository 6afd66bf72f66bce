/* SPDX-License-Identifier: MIT */
/* Which connections end because they are between messages. Worker only. */
#ifndef WORKER_LEAVING_H
#define WORKER_LEAVING_H

#include "worker/pool.h"

/*
 * A connection at the end of its lifetime, or that drains: the side whose input has come, which is
 * served first; NULL: it ends now.
 */
struct conn *leaving_find_input(const struct pool *pool, struct conn *c);

/*
 * Why a connection between messages is to end now; CLOSE_none: it is not. In a draining worker it
 * may have a moment for a message (worker/deadline.h).
 */
enum close_reason leaving_find(const struct pool *pool, const struct conn *c);

#endif
