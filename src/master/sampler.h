/* SPDX-License-Identifier: MIT */
/*
 * Looks at the kernel and at the workers at set times, and writes down in the scoreboard what only
 * the master can know: accept queues ten times a second, all else once a second. Master only.
 */
#ifndef MASTER_SAMPLER_H
#define MASTER_SAMPLER_H

#include <stdint.h>

#include "master/procs.h"
#include "master/queues.h"
#include "master/timeline.h"

enum { SAMPLER_TICK_MS = 100, SAMPLER_SECOND_MS = 1000 };

struct sampler {
	int64_t tick_ms, second_ms; /* when the next ones are due; 0: it has not begun */
	struct queues queues;
	struct timeline history;
};

void sampler_start(struct sampler *sampler);
void sampler_stop(struct sampler *sampler);

/*
 * When sampler_step has something to do, or otherwise_ms; not before there is a generation in
 * force.
 */
int64_t sampler_due_ms(const struct sampler *sampler, const struct procs *procs,
		       int64_t otherwise_ms);
void sampler_step(struct sampler *sampler, const struct procs *procs, int64_t now_ms);

/*
 * The first time after now_ms that is so many steps of every_ms after due_ms, which is past: what
 * was missed while the master was held up is not made good.
 */
int64_t sampler_next_ms(int64_t due_ms, int64_t every_ms, int64_t now_ms);

#endif
