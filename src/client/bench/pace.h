/* SPDX-License-Identifier: MIT */
/*
 * The schedule of an open loop, fixed from the start: message k of all is due k / rate seconds
 * after the start, on connection k % connections. Pure.
 */
#ifndef CLIENT_BENCH_PACE_H
#define CLIENT_BENCH_PACE_H

#include <stdint.h>

struct pace {
	int64_t rate;        /* messages a second, in all */
	int64_t connections; /* in all */
	int64_t count;       /* messages in all; 0: no limit */
	int64_t start_ns;
};

enum { PACE_RATE_MOST = 10000000 };
#define PACE_NEVER INT64_MAX

/* When the turn-th message (from 0) of a connection is due; PACE_NEVER behind the last one. */
static inline int64_t pace_due_ns(const struct pace *pace, int64_t connection, int64_t turn)
{
	int64_t k = turn * pace->connections + connection;

	if (pace->count > 0 && k >= pace->count)
		return PACE_NEVER;
	return pace->start_ns + k / pace->rate * 1000000000 +
	       k % pace->rate * 1000000000 / pace->rate;
}

/* How many messages of a connection are due before that moment. */
static inline int64_t pace_turns(const struct pace *pace, int64_t connection, int64_t moment_ns)
{
	int64_t low = 0, high;

	/* none is due later than at this turn, for each takes connections / rate seconds */
	high = (moment_ns - pace->start_ns) / 1000000000 * pace->rate / pace->connections +
	       pace->rate / pace->connections + 2;
	if (moment_ns <= pace->start_ns)
		return 0;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;

		if (pace_due_ns(pace, connection, middle) < moment_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
