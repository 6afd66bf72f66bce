/* SPDX-License-Identifier: MIT */
/* Starts and reaps the helpers of every generation that are due. Master only. */
#ifndef MASTER_HELPER_HELPERS_H
#define MASTER_HELPER_HELPERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "master/procs.h"

/* Counts those, in all generations, that live or are to be started. */
unsigned helpers_alive(const struct procs *procs);

/* Start every helper that is due; hear which are ready, and which live. */
void helpers_start_due(struct procs *procs, int64_t now_ms);
void helpers_look(struct procs *procs);

/* Kills the helpers of the generation that were silent for its hang_timeout. */
void helpers_kill_silent(struct generation *generation, int64_t now_ms);

/* Kills those whose time to leave is over. */
void helpers_kill_due(struct procs *procs, int64_t now_ms);

/* When helpers_start_due or helpers_kill_due is due, or otherwise_ms. */
int64_t helpers_due_ms(const struct procs *procs, int64_t otherwise_ms);

/* Notes a death that waitpid(2) has reported. Returns false when pid is no helper. */
bool helpers_reap(struct procs *procs, pid_t pid, int status, int64_t now_ms);

/*
 * A step of a stop: those that are fast (SIGINT, SIGKILL) are for helpers as well, as
 * SIGNAL_HELPER_STOP and SIGNAL_HELPER_END: SIGKILL would let their programs go on.
 */
void helpers_signal(struct procs *procs, int signal, int64_t now_ms);

/* Tells all to open their log anew; the master does not wait for it. */
void helpers_reopen(const struct procs *procs);

#endif
