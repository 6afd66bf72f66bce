/* SPDX-License-Identifier: MIT */
/*
 * Opening the log and access log anew, in the master and in all workers: once this is done, the
 * process that asked for it (a log rotation) may use the old files. Master only.
 */
#ifndef MASTER_REOPEN_H
#define MASTER_REOPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "master/procs.h"

struct reopen {
	struct err failure; /* the master's own; "" if none */
	bool is_pending;
	bool again; /* asked for during the one under way */
	int64_t begun_ms;
};

/* Begins, or notes that one more is wanted after the one under way. */
void reopen_ask(struct reopen *reopen, struct procs *procs);

/* Ends it when every worker has reported that it writes to the new file, or at the time limit. */
void reopen_step(struct reopen *reopen, struct procs *procs, int64_t now_ms);

/* When reopen_step is due at the latest, or otherwise_ms. */
int64_t reopen_due_ms(const struct reopen *reopen, int64_t otherwise_ms);

#endif
