/* SPDX-License-Identifier: MIT */
/* The clock that a load is timed with: monotonic, in nanoseconds, the same in all processes. */
#ifndef CLIENT_BENCH_MOMENT_H
#define CLIENT_BENCH_MOMENT_H

#include <stdint.h>
#include <time.h>

static inline int64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
