/* SPDX-License-Identifier: MIT */
/* The copies of all programs of all generations, for the master's loop. Master only. */
#ifndef MASTER_PROGRAM_COPIES_H
#define MASTER_PROGRAM_COPIES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "master/procs.h"

/* As the functions of master/program/programs.h, for each generation. */
void copies_look(const struct procs *procs, int64_t now_ms);
void copies_start_due(const struct procs *procs, int64_t now_ms);
int64_t copies_due_ms(const struct procs *procs, int64_t otherwise_ms);
void copies_hurry(const struct procs *procs, bool is_kill);
void copies_end_group(const struct procs *procs, pid_t pid);
bool copies_reap(const struct procs *procs, pid_t pid, int status, int64_t now_ms);

/* Returns the pid of the next living copy after `after` (0: the first); 0: there is none. */
pid_t copies_next_pid(const struct procs *procs, pid_t after);

#endif
