/* SPDX-License-Identifier: MIT */
/*
 * Limits and sources that are at theirs, in the scoreboard. Written by the master. Part of
 * stats/scoreboard.h.
 */
#ifndef STATS_LIMIT_ROWS_H
#define STATS_LIMIT_ROWS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/addr.h"
#include "stats/metric.h"

/* The limits of a listener (tables/options.def); 0: off. */
struct listener_limits {
	_Atomic uint64_t values[LIMITS]; /* by enum limit */
	_Atomic uint32_t on_limit;       /* enum on_limit */
};

/* A source that has as many connections of a listener as it may have. */
enum { SCOREBOARD_SOURCES = 16 };
struct full_source {
	struct net source;
	uint32_t listener; /* row */
	uint32_t count;
};

/* Written by the master once a second, the fullest source first. */
struct full_sources {
	_Atomic uint32_t seq; /* odd while the master writes them */
	_Atomic uint32_t count;
	struct full_source list[SCOREBOARD_SOURCES];
};

#endif
