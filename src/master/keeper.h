/* SPDX-License-Identifier: MIT */
/*
 * The keeper of a slot: holds its worker's descriptors, so that no connection closes when the
 * worker dies. Worker and keeper share one descriptor table (CLONE_FILES, clone(2)): they exchange
 * no messages, and a close by the worker is a close for both.
 */
#ifndef MASTER_KEEPER_H
#define MASTER_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "stats/scoreboard.h"
#include "worker/heritage.h"

/*
 * A page in which the kernel writes each kept worker's pid before that worker runs
 * (CLONE_PARENT_SETTID, clone(2)). Only the master and the keepers map it, but a keeper may load a
 * module, whose code can write there: a root master signals no pid of it that is not a child which
 * only a keeper can have made (master/children.h).
 */
struct keeper_pids {
	pid_t pids[SCOREBOARD_SLOTS]; /* by slot; 0: the keeper has cloned no worker */
};

/* Maps the page, shared with the children to come. Returns NULL with errno set. Master. */
struct keeper_pids *keeper_pids_new(void);

/*
 * Unmaps the page: the master at its end, a worker before anything else. A worker that cannot must
 * not serve. No effect on NULL. Returns false with errno set.
 */
bool keeper_pids_drop(struct keeper_pids *page);

/* Reads the slot's pid afresh; and writes 0 in its place when that worker has been reaped. */
pid_t keeper_pids_get(const struct keeper_pids *page, unsigned slot);
void keeper_pids_clear(struct keeper_pids *page, unsigned slot);

/*
 * Runs the keeper, in the child of the master's fork: prepares itself as a worker does, clones the
 * first worker, then one more for each SIGNAL_KEEPER_START, and leaves on SIGNAL_KEEPER_LEAVE or
 * with the master. The kernel writes each worker's pid to its slot of the page before the worker
 * runs. The keeper loads services that are files of their own (worker/load/loaded.h) before its
 * first worker; it serves nobody, and allocates nothing once it waits. The signals of
 * config/signals must be blocked.
 */
_Noreturn void keeper_run(const struct heritage *heritage, struct keeper_pids *page, unsigned slot);

#endif
