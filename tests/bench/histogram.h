/* SPDX-License-Identifier: MIT */
/* Times in nanoseconds, kept to within 1.6 %: 64 steps for each power of two. No allocation. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_POWERS = 40 };

struct histogram {
	uint64_t count, most_ns;
	uint64_t steps[HISTOGRAM_POWERS * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *h, uint64_t ns);

/* The time that `share` (0 to 1) of all do not exceed; 0 when there are none. */
uint64_t histogram_at(const struct histogram *h, double share);

#endif
