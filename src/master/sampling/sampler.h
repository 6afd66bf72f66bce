/* SPDX-License-Identifier: MIT */
/*
 * Samples the kernel and the workers at set times, and writes to the scoreboard the figures that
 * only the master has: accept queues ten times a second; once a second the host's counters,
 * processor time and memory of each process, and a moment of the server's last minutes. Master
 * only.
 */
#ifndef MASTER_SAMPLER_H
#define MASTER_SAMPLER_H

#include <stdint.h>

#include "master/procs.h"
#include "master/sampling/queues.h"
#include "stats/scoreboard.h"

enum { SAMPLER_TICK_MS = 100, SAMPLER_SECOND_MS = 1000, SAMPLER_LATE_MS = 1500 };

struct sampler_history {
	int64_t noted_ms;            /* when the last moment was written; 0: never */
	uint64_t accepted, messages; /* as they were then */
};

struct sampler {
	int64_t tick_ms, second_ms; /* when the next ones are due; 0: it has not begun */
	struct queues queues;
	struct sampler_history history;
};

void sampler_start(struct sampler *sampler);
void sampler_stop(struct sampler *sampler);

/* When sampler_step is due, or otherwise_ms: not before there is a generation in force. */
int64_t sampler_due_ms(const struct sampler *sampler, const struct procs *procs,
		       int64_t otherwise_ms);
void sampler_step(struct sampler *sampler, const struct procs *procs, int64_t now_ms);

/*
 * Returns the first time after now_ms that is a whole number of every_ms after due_ms, which is
 * past. Samples that were missed while the master was held up are not made good.
 */
int64_t sampler_next_ms(int64_t due_ms, int64_t every_ms, int64_t now_ms);

/*
 * Appends a moment: the increase since the last one, the live connections, and `waiting` in the
 * accept queues. When the master was away for longer than SAMPLER_LATE_MS, the increase is scaled
 * to one second.
 */
void sampler_append(struct sampler_history *history, struct scoreboard *board, uint64_t waiting,
		    int64_t now_ms, int64_t now_s);

#endif
