/* SPDX-License-Identifier: MIT */
/*
 * The keeper of a slot: holds its worker's descriptors, so that no connection closes when the
 * worker dies. Worker and keeper share one descriptor table (CLONE_FILES, clone(2)): nothing is
 * sent between them, and a close by the worker is a close for both.
 */
#ifndef MASTER_KEEPER_H
#define MASTER_KEEPER_H

#include "master/pidpage.h"
#include "worker/heritage.h"

/*
 * The keeper's whole life, in the child of the master's fork: settles in as a worker does, clones
 * the first worker, then one more for each SIGNAL_KEEPER_START, and leaves on SIGNAL_KEEPER_LEAVE
 * or with the master. The kernel writes each worker's pid to its slot of the page before the worker
 * runs. Runs no service code and allocates nothing once it waits. With the signals of
 * config/signals blocked.
 */
_Noreturn void keeper_run(const struct heritage *heritage, struct pidpage *page, unsigned slot);

#endif
