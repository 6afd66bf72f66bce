/* SPDX-License-Identifier: MIT */
/* The forking of a worker: the one place where the master's memory becomes a worker's. */
#ifndef MASTER_SPAWN_H
#define MASTER_SPAWN_H

#include <sys/types.h>

#include "master/procs.h"

/*
 * Forks the worker of that number, or with keep_connections its keeper, which clones it; slot and
 * arena are prepared. Returns the pid, or -1 with errno; in the child it never returns. The worker
 * keeps nothing of the master's but its heritage, not even other workers' arenas.
 */
pid_t spawn_worker(struct procs *roster, struct generation *generation, unsigned number);

#endif
