/* SPDX-License-Identifier: MIT */
/*
 * A line on stderr that tells how a bench gets on, drawn anew again and again; on a terminal only.
 */
#ifndef CLIENT_BENCH_PROGRESS_H
#define CLIENT_BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/bench/bench_options.h"

struct bench_progress {
	const struct bench_options *options;
	bool is_shown, is_drawn;
	int64_t start_ns; /* 0: not yet */
	int64_t last_ns;  /* when it was drawn */
	uint64_t last;    /* answers then */
};

/* Shows nothing ever when stderr is no terminal or a dumb one, or with -q. */
void bench_report_progress_init(struct bench_progress *progress,
				const struct bench_options *options);

/* The run begins. */
void bench_report_progress_start(struct bench_progress *progress, int64_t start_ns);

/* So much has been reached; draws it when it is time. */
void bench_report_progress_update(struct bench_progress *progress, int64_t now_ns, uint64_t answers,
				  uint64_t errors);

/* How long poll(2) may wait until it is time; -1: for ever. */
int bench_report_progress_wait_ms(const struct bench_progress *progress);

/* Clears the line. */
void bench_report_progress_clear(struct bench_progress *progress);

#endif
