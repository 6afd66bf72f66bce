/* SPDX-License-Identifier: MIT */
/*
 * The times by which rates are kept (net/rate_limit.h), in memory that all workers write: one for
 * each limited listener, and one for each source that has connected of late. Every word stands for
 * itself: a worker that dies leaves nothing half written, and one that was taken over can make the
 * rates wrong, and nothing else.
 *
 * The sources have a table of fixed size, of sets of 8 words. A word is a part of the key and a
 * time. A new source takes the word of its set with the earliest time: that of a source which has
 * been quiet for longest. Two sources share a word with a probability of one in two millions. Any
 * process.
 */
#ifndef STATS_LIMIT_RATES_H
#define STATS_LIMIT_RATES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/rate_limit.h"

enum {
	LIMIT_RATES_ROWS = 256,
	LIMIT_RATES_WAYS = 8,
	LIMIT_RATES_SETS = 32768, /* 262144 sources, 2 MiB */
	LIMIT_RATES_UNIT_NS = 256,
};

/* A limited listener. */
struct limit_rates_row {
	_Alignas(64) _Atomic uint64_t key; /* 0: free */
	_Atomic int64_t time_ns;
	_Atomic int64_t said_ms; /* when a limit of it was last logged */
	_Atomic uint64_t unsaid; /* times that a limit was reached since */
};

struct limit_rates {
	struct limit_rates_row rows[LIMIT_RATES_ROWS];
	_Atomic uint64_t sources[LIMIT_RATES_SETS][LIMIT_RATES_WAYS];
};

/*
 * The row of the listener with that key, which is not 0. If all are in use, the one that has been
 * quiet for longest changes hands.
 */
struct limit_rates_row *limit_rates_row(struct limit_rates *rates, uint64_t key);

/*
 * Takes one arrival at now_ns of the listener. Returns false when the rate does not allow it;
 * *due_ns is then when it does. limit_rates_allows only looks; limit_rates_return takes an arrival
 * back, which did not come after all.
 */
bool limit_rates_take(struct limit_rates_row *row, const struct rate_limit *limit, int64_t now_ns,
		      int64_t *due_ns);
bool limit_rates_allows(const struct limit_rates_row *row, const struct rate_limit *limit,
			int64_t now_ns, int64_t *due_ns);
void limit_rates_return(struct limit_rates_row *row, const struct rate_limit *limit);

/* The same as limit_rates_take for a source; the interval must be of LIMIT_RATES_UNIT_NS. */
bool limit_rates_take_source(struct limit_rates *rates, uint64_t key,
			     const struct rate_limit *limit, int64_t now_ns, int64_t *due_ns);

/*
 * True at most once a second for a listener, over all workers; *count is then how often it was
 * asked since the last time, and this time.
 */
bool limit_rates_may_log(struct limit_rates_row *row, int64_t now_ms, uint64_t *count);

#endif
