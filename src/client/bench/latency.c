/* SPDX-License-Identifier: MIT */
/* Counts durations by their size. Must not cost more than a few instructions. */
#include "client/bench/latency.h"

enum { STEP_BITS = 7, ALL_STEPS = LATENCY_POWERS * LATENCY_STEPS };

/* Below LATENCY_STEPS a step is one nanosecond; above, each doubling has as many steps. */
static unsigned latency_step(uint64_t ns)
{
	unsigned power, step;

	if (ns < LATENCY_STEPS)
		return (unsigned)ns;
	power = 63 - (unsigned)__builtin_clzll(ns) - STEP_BITS;
	if (power + 1 >= LATENCY_POWERS)
		return ALL_STEPS - 1;
	step = (power + 1) * LATENCY_STEPS + (unsigned)(ns >> power) - LATENCY_STEPS;
	return step;
}

/* The longest duration of the step. */
static uint64_t step_max_ns(unsigned step)
{
	unsigned power = step / LATENCY_STEPS;

	if (power == 0)
		return step;
	return ((uint64_t)(step % LATENCY_STEPS + LATENCY_STEPS + 1) << (power - 1)) - 1;
}

void bench_stats_add_latencies(struct latency *latency, uint64_t ns, uint64_t count)
{
	if (count == 0)
		return;
	latency->count += count;
	latency->sum_ns += ns * count;
	if (ns > latency->max_ns)
		latency->max_ns = ns;
	latency->steps[latency_step(ns)] += count;
}

void bench_stats_add_latency(struct latency *latency, uint64_t ns)
{
	bench_stats_add_latencies(latency, ns, 1);
}

void bench_stats_merge_latency(struct latency *into, const struct latency *from)
{
	into->count += from->count;
	into->sum_ns += from->sum_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	for (unsigned i = 0; i < ALL_STEPS; i++)
		into->steps[i] += from->steps[i];
}

uint64_t bench_stats_percentile_ns(const struct latency *latency, unsigned of_10000)
{
	uint64_t seen = 0, whole = latency->count / 10000, rest = latency->count % 10000;
	uint64_t wanted = whole * of_10000 + (rest * of_10000 + 9999) / 10000;

	for (unsigned i = 0; i < ALL_STEPS - 1 && wanted > 0; i++) {
		seen += latency->steps[i];
		if (seen >= wanted)
			return step_max_ns(i) < latency->max_ns ? step_max_ns(i) : latency->max_ns;
	}
	return latency->max_ns;
}

uint64_t bench_stats_count_within(const struct latency *latency, uint64_t ns)
{
	unsigned last = latency_step(ns);
	uint64_t count = 0;

	for (unsigned i = 0; i <= last; i++)
		count += latency->steps[i];
	return count;
}
