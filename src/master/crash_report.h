/* SPDX-License-Identifier: MIT */
/* The report on a crash: what the worker had in hand. Master only. */
#ifndef MASTER_CRASH_REPORT_H
#define MASTER_CRASH_REPORT_H

#include <stdint.h>

#include "master/procs.h"

/*
 * Logs what the dead worker of that number had in hand, keeps it among the scoreboard's last
 * crashes, and counts it against the client's address. Before the next worker starts.
 */
void crash_report_write(struct procs *procs, const struct generation *generation, unsigned number,
			int status, int64_t now_ms);

#endif
