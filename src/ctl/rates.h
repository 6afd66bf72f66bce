/* SPDX-License-Identifier: MIT */
/*
 * What a server did lately, from looking at its counters again and again. Of a worker that is new
 * there is no rate yet. Any process but the master.
 */
#ifndef CTL_RATES_H
#define CTL_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/report.h"

/* CPU time is sampled by the master each second, so its rate needs a longer time to be even. */
enum { RATES_KEPT = 6, RATES_LEAST_MS = 500 };

/* Whose counters: the slots, then the listeners, then all together. */
enum {
	RATES_LISTENERS = SCOREBOARD_SLOTS,
	RATES_ALL = RATES_LISTENERS + METRIC_LISTENERS,
	RATES_SUBJECTS
};

struct rates_sample {
	uint64_t who; /* tells a subject from another in its place; 0: there is none */
	uint64_t accepted, messages, bytes_in, bytes_out, cpu_us;
};

struct rates {
	struct rates_sample (*samples)[RATES_SUBJECTS]; /* RATES_KEPT of them, a ring */
	int64_t at_ms[RATES_KEPT];
	uint64_t taken;
};

/* A second's worth; cpu is of the last seconds. */
struct rate {
	uint64_t accepted, messages, bytes_in, bytes_out;
	int64_t cpu_tenths; /* of a per cent */
};

/* False without memory, with errno. rates_free frees. */
bool rates_new(struct rates *rates);
void rates_free(struct rates *rates);

/* Takes note of the counters, unless it has a moment ago. */
void rates_take(struct rates *rates, const struct report *report);

/* The rates of a subject; false when they are not known. */
bool rates_of(const struct rates *rates, unsigned subject, struct rate *rate);

#endif
