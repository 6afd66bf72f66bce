/* SPDX-License-Identifier: MIT */
/*
 * Opening the files of log and access log anew, in the master and in all workers: the process that
 * asked for it (a log rotation) may touch the old files once it is done. Master only.
 */
#ifndef MASTER_REOPEN_H
#define MASTER_REOPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "master/procs.h"

struct reopen {
	struct err failure; /* the master's own, "" none */
	bool is_pending;
	bool again; /* asked for during the one under way */
	int64_t begun_ms;
};

/* Begins, or notes that one more is wanted after the one under way. */
void reopen_ask(struct reopen *reopen, struct procs *procs);

/* Ends it when every worker has said that it writes to the new file, or when it takes too long. */
void reopen_step(struct reopen *reopen, struct procs *procs, int64_t now_ms);

/* When reopen_step has something to do at the latest, or otherwise_ms. */
int64_t reopen_due_ms(const struct reopen *reopen, int64_t otherwise_ms);

#endif
