/* SPDX-License-Identifier: MIT */
/* Counts times by size. Must not do more for one than a few instructions. Called by links.c. */
#include "histogram.h"

/* Below HISTOGRAM_STEPS a step is one nanosecond; above, each power of two has as many steps. */
static unsigned step_of(uint64_t ns)
{
	unsigned power, step;

	if (ns < HISTOGRAM_STEPS)
		return (unsigned)ns;
	power = 63 - (unsigned)__builtin_clzll(ns) - 6;
	step = (power + 1) * HISTOGRAM_STEPS + (unsigned)(ns >> power) - HISTOGRAM_STEPS;
	return step < HISTOGRAM_POWERS * HISTOGRAM_STEPS ? step :
							   HISTOGRAM_POWERS * HISTOGRAM_STEPS - 1;
}

static uint64_t upper_end(unsigned step)
{
	unsigned power = step / HISTOGRAM_STEPS;

	if (power == 0)
		return step;
	return ((uint64_t)(step % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1) << (power - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->count++;
	if (ns > h->most_ns)
		h->most_ns = ns;
	h->steps[step_of(ns)]++;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)h->count), seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_POWERS * HISTOGRAM_STEPS; i++) {
		seen += h->steps[i];
		if (seen > wanted)
			return upper_end(i) < h->most_ns ? upper_end(i) : h->most_ns;
	}
	return h->most_ns;
}
