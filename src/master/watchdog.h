/* SPDX-License-Identifier: MIT */
/*
 * Finds workers and helpers whose loop no longer turns. A worker stamps its heartbeat every turn, a
 * helper reports one at times, and neither waits longer than a third of hang_timeout. Master only.
 */
#ifndef MASTER_WATCHDOG_H
#define MASTER_WATCHDOG_H

#include <stdint.h>

#include "master/procs.h"

struct watchdog {
	int64_t last_ms; /* of the last check; 0: none yet */
};

/* When the next check is due, or otherwise_ms when no generation has a hang_timeout. */
int64_t watchdog_due_ms(const struct watchdog *watchdog, const struct procs *procs,
			int64_t otherwise_ms);

/*
 * Sends SIGABRT, and by kill_ms SIGKILL, to every worker whose heartbeat is older than
 * hang_timeout, and SIGKILL to such a helper. When the master itself has not run for long (stopped,
 * suspended), they may not have run either: their time starts anew.
 */
void watchdog_look(struct watchdog *watchdog, struct procs *procs, int64_t now_ms);

#endif
