/* SPDX-License-Identifier: MIT */
/*
 * One copy of a program: starts it, hears it, and takes note of its end. What it writes and sends
 * is read in bounded pieces by the master's loop. Its state is that of a member (master/member.h).
 * Master only.
 */
#ifndef MASTER_PROGRAM_COPY_H
#define MASTER_PROGRAM_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "master/program/program.h"

/* Makes an empty copy of that number. */
void copy_init(struct copy *copy, struct program *program, unsigned number);

/*
 * Starts a copy that waits for it (member_wants_worker). When the system refuses, it waits again,
 * longer each time; a program that has not started yet fails.
 */
void copy_start(struct copy *copy, int64_t now_ms);

/*
 * Its process has ended, and was reaped; its group was killed before that (copy_end_group). Logs
 * why, and lets the copy start again, after a delay, unless it was told to leave.
 */
void copy_end(struct copy *copy, int status, int64_t now_ms);

/*
 * Before a dead copy is reaped, and its id with it can become another process's: kills what is left
 * of its group.
 */
void copy_end_group(const struct copy *copy);

/*
 * Tells the copy to end: stop_signal now, SIGKILL to its group at kill_ms (member_retire). why: a
 * constant for the log, such as "retired".
 */
void copy_retire(struct copy *copy, const char *why, int64_t kill_ms);

/* A stop becomes faster: stop_signal once more, or SIGKILL, to a living copy. */
void copy_hurry(struct copy *copy, bool is_kill);

/* Notes readiness by age, a watchdog that has run out, and tells lost lines. copy_due_ms: when. */
void copy_step(struct copy *copy, int64_t now_ms);
int64_t copy_due_ms(const struct copy *copy, int64_t otherwise_ms);

#endif
