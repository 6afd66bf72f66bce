/* SPDX-License-Identifier: MIT */
/*
 * Replaces workers that are old or have accepted much (worker_max_age, worker_max_connections), or
 * have shut their link to a helper, one at a time: the replacement is ready before the old one is
 * told to leave. Master only.
 */
#ifndef MASTER_RECYCLE_H
#define MASTER_RECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "master/procs.h"

struct recycle {
	unsigned generation; /* id of its generation; 0: no replacement is under way */
	unsigned old, fresh; /* numbers of the worker and of its replacement */
	bool retired;        /* the old one was told to leave */
	int64_t last_ms;     /* of the last check of ages and links */
	int64_t link_ms;     /* when the next worker may be replaced for a link that is shut */
};

/* When recycle_step must check ages next, or otherwise_ms when it need not. */
int64_t recycle_due_ms(const struct recycle *recycle, const struct procs *procs,
		       int64_t otherwise_ms);

/* Continues the replacement under way, or begins one when a worker is due. */
void recycle_step(struct recycle *recycle, struct procs *procs, int64_t now_ms);

#endif
