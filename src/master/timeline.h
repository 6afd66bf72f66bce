/* SPDX-License-Identifier: MIT */
/* The server's last minutes, second by second, in the scoreboard's ring of moments. Master only. */
#ifndef MASTER_TIMELINE_H
#define MASTER_TIMELINE_H

#include <stdint.h>

#include "stats/scoreboard.h"

enum { TIMELINE_LATE_MS = 1500 };

struct timeline {
	int64_t noted_ms;            /* when the last moment was written; 0: never */
	uint64_t accepted, messages; /* as they were then */
};

/*
 * Appends a moment: what has come since the last one, what is live, and `waiting` in the accept
 * queues. When the master was away for longer than TIMELINE_LATE_MS, what has come is told as the
 * share of one second.
 */
void timeline_append(struct timeline *history, struct scoreboard *board, uint64_t waiting,
		     int64_t now_ms, int64_t now_s);

#endif
