/* SPDX-License-Identifier: MIT */
/*
 * A line on stderr that tells how a bench gets on, drawn anew again and again; on a terminal only.
 */
#ifndef CLIENT_BENCH_PROGRESS_H
#define CLIENT_BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/bench/bench_options.h"

struct progress {
	const struct plan *plan;
	bool is_shown, is_drawn;
	int64_t start_ns; /* 0: not yet */
	int64_t last_ns;  /* when it was drawn */
	uint64_t last;    /* answers then */
};

/* Shows nothing ever when stderr is no terminal or a dumb one, or with -q. */
void progress_init(struct progress *progress, const struct plan *plan);

/* The run begins. */
void progress_start(struct progress *progress, int64_t start_ns);

/* So much has been reached; draws it when it is time. */
void progress_show(struct progress *progress, int64_t now_ns, uint64_t answered, uint64_t lost);

/* How long poll(2) may wait until it is time; -1: for ever. */
int progress_wait_ms(const struct progress *progress);

/* Clears the line. */
void progress_end(struct progress *progress);

#endif
