/* SPDX-License-Identifier: MIT */
/*
 * The page in which the kernel writes each kept worker's pid before that worker runs
 * (CLONE_PARENT_SETTID, clone(2)). Only the master and the keepers map it: a root master must never
 * signal a pid that a worker could have written.
 */
#ifndef MASTER_PIDPAGE_H
#define MASTER_PIDPAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "stats/scoreboard.h"

struct pidpage {
	pid_t pids[SCOREBOARD_SLOTS]; /* by slot; 0: no worker that its keeper has cloned */
};

/* Maps it, shared with the children to come; NULL with errno. Master. */
struct pidpage *pidpage_new(void);

/*
 * Unmaps it. Master at its end; a worker first of all, and one that cannot must not serve. NULL is
 * nothing. False with errno.
 */
bool pidpage_drop(struct pidpage *page);

/* What stands there now, read afresh; and 0 put in its place when that worker has been reaped. */
pid_t pidpage_get(const struct pidpage *page, unsigned slot);
void pidpage_clear(struct pidpage *page, unsigned slot);

#endif
