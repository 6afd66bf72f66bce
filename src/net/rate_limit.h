/* SPDX-License-Identifier: MIT */
/*
 * A rate with a burst, by virtual scheduling (the generic cell rate algorithm, ITU-T I.371). What
 * is kept is one time: the one at which the next arrival would come if all came evenly. An arrival
 * that comes earlier than that by more than the tolerance is too early. Pure; times are of any
 * clock, in nanoseconds.
 */
#ifndef NET_RATE_LIMIT_H
#define NET_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
	int64_t interval_ns;  /* between two arrivals */
	int64_t tolerance_ns; /* by which a burst may come early */
};

/* So many arrivals a second, of which `burst` may come at once. The interval is of whole units. */
static inline struct rate_limit rate_limit_of(int64_t rate, int64_t burst, int64_t unit_ns)
{
	int64_t interval_ns = (INT64_C(1000000000) / rate + unit_ns / 2) / unit_ns * unit_ns;

	return (struct rate_limit){ interval_ns, (burst - 1) * interval_ns };
}

/*
 * True when an arrival at now_ns is in time. Sets *time_ns, of which 0 is that of a source never
 * seen, to what is to be kept if it arrives; otherwise *due_ns is when it would be in time. Another
 * process may have written any time: one that no arrivals can have led to counts as the latest that
 * they can lead to.
 */
static inline bool rate_limit_allows(const struct rate_limit *limit, int64_t now_ns,
				     int64_t *time_ns, int64_t *due_ns)
{
	int64_t latest_ns = now_ns + limit->tolerance_ns + limit->interval_ns;

	if (*time_ns > latest_ns)
		*time_ns = latest_ns;
	*due_ns = *time_ns - limit->tolerance_ns;
	if (*due_ns > now_ns)
		return false;
	*time_ns = (*time_ns > now_ns ? *time_ns : now_ns) + limit->interval_ns;
	return true;
}

#endif
