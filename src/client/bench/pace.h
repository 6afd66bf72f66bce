/* SPDX-License-Identifier: MIT */
/*
 * The schedule of an open loop, fixed from the start: message k of all is due k / rate seconds
 * after the start, on connection k % connections. Pure.
 */
#ifndef CLIENT_BENCH_PACE_H
#define CLIENT_BENCH_PACE_H

#include <stdint.h>

struct bench_schedule {
	int64_t rate;        /* messages a second, in all */
	int64_t connections; /* in all */
	int64_t count;       /* messages in all; 0: no limit */
	int64_t start_ns;
};

enum { BENCH_RATE_MAX = 10000000 };
#define BENCH_NEVER INT64_MAX

/* When the turn-th message (from 0) of a connection is due; BENCH_NEVER behind the last one. */
static inline int64_t bench_request_due_ns(const struct bench_schedule *pace, int64_t connection,
					   int64_t turn)
{
	int64_t k = turn * pace->connections + connection;

	if (pace->count > 0 && k >= pace->count)
		return BENCH_NEVER;
	return pace->start_ns + k / pace->rate * 1000000000 +
	       k % pace->rate * 1000000000 / pace->rate;
}

/* How many messages of a connection are due before that moment. */
static inline int64_t bench_request_count_due(const struct bench_schedule *pace, int64_t connection,
					      int64_t bench_now_ns)
{
	int64_t low = 0, high;

	/* none is due later than at this turn, for each takes connections / rate seconds */
	high = (bench_now_ns - pace->start_ns) / 1000000000 * pace->rate / pace->connections +
	       pace->rate / pace->connections + 2;
	if (bench_now_ns <= pace->start_ns)
		return 0;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;

		if (bench_request_due_ns(pace, connection, middle) < bench_now_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
