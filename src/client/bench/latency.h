/* SPDX-License-Identifier: MIT */
/*
 * Many durations in a memory of fixed size: 128 steps for each doubling, so that each is known to
 * within 0.8 %, up to 73 minutes. Pure; one writer; no allocation. Zeroed, it is empty.
 */
#ifndef CLIENT_BENCH_LATENCY_H
#define CLIENT_BENCH_LATENCY_H

#include <stdint.h>

enum { LATENCY_STEPS = 128, LATENCY_POWERS = 36 };

struct latency {
	uint64_t count, sum_ns, max_ns;
	uint64_t steps[LATENCY_POWERS * LATENCY_STEPS];
};

void bench_stats_add_latency(struct latency *latency, uint64_t ns);

/* So many of the same length. */
void bench_stats_add_latencies(struct latency *latency, uint64_t ns, uint64_t count);

/* Adds what the other one holds. */
void bench_stats_merge_latency(struct latency *into, const struct latency *from);

/*
 * The duration that so many of 10,000 do not exceed (5000: the median), or up to 0.8 % more; never
 * more than the longest. 0 when there are none.
 */
uint64_t bench_stats_percentile_ns(const struct latency *latency, unsigned of_10000);

/* How many are at most so long, to within a step. */
uint64_t bench_stats_count_within(const struct latency *latency, uint64_t ns);

#endif
