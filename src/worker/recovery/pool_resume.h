/* SPDX-License-Identifier: MIT */
/* The pool of a worker that goes on with the connections of the last one of its slot. */
#ifndef WORKER_RECOVERY_POOL_RESUME_H
#define WORKER_RECOVERY_POOL_RESUME_H

#include "worker/pool.h"

/*
 * Finds the free records and buffers in the arena of an earlier worker of the slot: is_kept has an
 * entry for every record below the arena's record_high, true if its connection goes on. Before any
 * other record is taken. Returns false with errno set. Allocates.
 */
bool pool_resume(struct pool *pool, const bool *is_kept);

#endif
