/* SPDX-License-Identifier: MIT */
/*
 * What code that was loaded has started and not ended. A process would stay when this one is gone,
 * with its sockets; a thread would be missing in the copies that fork(2) makes of this one. Keeper,
 * worker, or the trial's child.
 */
#ifndef WORKER_LOAD_LEFTOVER_H
#define WORKER_LOAD_LEFTOVER_H

#include <stdbool.h>

/*
 * From now on, or no longer, the processes that its children leave count as children of this one,
 * which has none yet. Returns false with errno set.
 */
bool leftover_watch(bool is_on);

/* Kills and reaps the processes, as far as /proc names them. */
void leftover_end(void);

/* Says what there is, after the name of what has started it ("starts a ..."). NULL: nothing. */
const char *leftover_find(void);

#endif
