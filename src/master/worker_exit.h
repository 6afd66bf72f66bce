/* SPDX-License-Identifier: MIT */
/* The effects of a death on the slot, its connections and the server. Master only. */
#ifndef MASTER_WORKER_EXIT_H
#define MASTER_WORKER_EXIT_H

#include <stdint.h>
#include <sys/types.h>

#include "master/procs.h"

/*
 * Takes note of a death that waitpid(2) has reported, of a member's worker or keeper by its pid,
 * and decides what comes next: another worker (at once or later), none, or the end of the server.
 */
void worker_exit_handle(struct procs *procs, struct generation *generation, unsigned number,
			pid_t pid, int status, int64_t now_ms);

#endif
