/* SPDX-License-Identifier: MIT */
/*
 * A histogram of durations in log-linear buckets: two for each doubling, from 1 us to 67 s, so that
 * a value is known to within a third. Adding costs a bit scan and two plain stores; one writer.
 */
#ifndef STATS_HISTOGRAM_H
#define STATS_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

/* Upper bounds 1, 2, 3, 4, 6, 8, 12, 16 ... 2^26 us; the last bucket is for all that is longer. */
enum { HISTOGRAM_BUCKETS = 53 };

struct histogram {
	_Atomic uint64_t buckets[HISTOGRAM_BUCKETS]; /* how many values, not cumulative */
	_Atomic uint64_t sum_us;
};

/* The index of the bucket that a duration belongs to. */
static inline unsigned histogram_bucket(uint64_t us)
{
	uint64_t w;
	unsigned k;

	if (us <= 2)
		return us == 2;
	w = us - 1;
	k = 63U - (unsigned)__builtin_clzll(w);
	k = 2 * k + (unsigned)(w >> (k - 1) & 1);
	return k < HISTOGRAM_BUCKETS ? k : HISTOGRAM_BUCKETS - 1;
}

/* The longest duration that belongs to the bucket; UINT64_MAX for the last one. */
static inline uint64_t histogram_bound_us(unsigned bucket)
{
	if (bucket < 2)
		return bucket + 1;
	if (bucket == HISTOGRAM_BUCKETS - 1)
		return UINT64_MAX;
	return bucket % 2 ? UINT64_C(1) << (bucket + 1) / 2 : UINT64_C(3) << (bucket / 2 - 1);
}

#endif
