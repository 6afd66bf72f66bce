/* SPDX-License-Identifier: MIT */
/*
 * The part of a record's check that costs a system call: whether its descriptors are what it says.
 * After a recovery it waits until the record is first served, or until a later turn of the loop, so
 * that the worker serves at once however many connections it has. Worker only.
 */
#ifndef WORKER_AUDIT_H
#define WORKER_AUDIT_H

#include "worker/pool.h"

/* The record's check waits. */
void audit_add(struct pool *pool, const struct record *r);

/* Makes the check now if it waits, for both sides of a pair. */
bool audit_check(struct pool *pool, struct record *r);

/*
 * Before the record's connection is served: makes the check if it waits. Returns false when a
 * descriptor is not open, or no socket: the connection has been ended as damaged, and is counted as
 * lost. That descriptor is left open.
 */
static inline bool audit_passes(struct pool *pool, struct record *r)
{
	return pool->audit.count == 0 || audit_check(pool, r);
}

/* After each turn: makes some of the checks that wait. */
void audit_step(struct pool *pool);

#endif
