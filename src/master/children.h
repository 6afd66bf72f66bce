/* SPDX-License-Identifier: MIT */
/* Finds out what a process is to the master, by its pid. Master only. */
#ifndef MASTER_CHILDREN_H
#define MASTER_CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>

#include "master/procs.h"

/* Finds the member whose worker or keeper the child is. Returns false when there is none. */
bool children_find_member(const struct procs *procs, pid_t pid, struct generation **generation,
			  unsigned *number);

/*
 * True when a keeper of this identity can have cloned the process as its worker: a child of the
 * master, alive or not reaped, that the master has not forked or noted itself. Where the workers
 * have a user of their own it runs as that user, as far as /proc tells. A signal to it is one that
 * those who write the keepers' pids could send themselves.
 */
bool children_can_be_worker(const struct procs *procs, pid_t pid, const struct identity *identity);

#endif
