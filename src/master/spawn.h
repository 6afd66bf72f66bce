/* SPDX-License-Identifier: MIT */
/*
 * Starts workers: prepares slot and arena, then forks, or has the keeper clone. The only place
 * where the master's memory becomes a worker's. Master only.
 */
#ifndef MASTER_SPAWN_H
#define MASTER_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "master/procs.h"

/*
 * Forks the worker of that number, or with keep_connections its keeper, which clones it; slot and
 * arena are prepared. Returns the pid, or -1 with errno set; in the child it never returns. The
 * worker keeps only its heritage of the master's memory, not even other workers' arenas.
 */
pid_t spawn_worker(struct procs *procs, struct generation *generation, unsigned number);

/*
 * In the child that becomes a helper: gives up the memory of the master and its workers, and sets
 * limits, log and signals as for a worker. It keeps the scoreboard if it may write a part of it
 * (NULL: none). Returns false with err. The caller closes descriptors.
 */
bool spawn_settle_helper(struct procs *procs, struct generation *generation, rlim_t files,
			 struct scoreboard_part (*part)(void), struct err *err);

/*
 * Starts the worker of a member that wants one, by procs->spawn or its keeper. When the system
 * refuses, the member waits again, longer each time; in a generation that is still starting it
 * fails the generation.
 */
void spawn_start(struct procs *procs, struct generation *generation, unsigned number,
		 int64_t now_ms);

/*
 * Notes the pid of a worker that its keeper has cloned, and whether the worker has reported since
 * then that it is ready.
 */
void spawn_look(struct procs *procs, struct generation *generation, unsigned number);

/*
 * Closes the doors of a generation whose processes are gone. A worker that was taken over can have
 * sent sockets to any door, and the last process to close them would wait for their clients
 * (SO_LINGER, socket(7)), except one that exits: that is a child here. Returns false, and closes
 * nothing, while the last such child is not reaped.
 */
bool spawn_closer(struct procs *procs, struct generation *generation);

/* Tells that child to exit, if there is one; later again where the system has refused it. */
void spawn_end_closer(struct procs *procs, int64_t now_ms);

/*
 * In a child of the master that is no worker and no keeper: unmaps all that the server's processes
 * share, so that code of others may run in it or in a child of its own. Returns false with errno
 * set when that is impossible.
 */
bool spawn_leave_server(struct procs *procs);

#endif
