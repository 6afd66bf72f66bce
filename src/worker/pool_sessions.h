/* SPDX-License-Identifier: MIT */
/* The TLS sessions of a pool's connections: their memory, which lies in the arena. Worker only. */
#ifndef WORKER_POOL_SESSIONS_H
#define WORKER_POOL_SESSIONS_H

#include "worker/pool.h"

/* Before the first connection. Returns false with errno set. Allocates, for the worker's life. */
bool pool_sessions_start(struct pool *pool);

/*
 * As pool_resume: finds the sessions of the connections that go on, and wipes what all others have
 * left. pool_sessions_lack is then true for a connection whose session was damaged, which its
 * record does not show.
 */
void pool_sessions_resume(struct pool *pool, const bool *is_kept);
bool pool_sessions_lack(const struct pool *pool, const struct record *r);

/* Counts what the sessions need; at the end of each turn. */
void pool_sessions_publish(struct pool *pool);

#endif
