/* SPDX-License-Identifier: MIT */
/*
 * What the workers of all generations have together, by their slots. Their memory may hold
 * anything: a sum is bounded, and wrong at worst. Worker only.
 */
#ifndef WORKER_LIMIT_LIMIT_SUM_H
#define WORKER_LIMIT_LIMIT_SUM_H

#include "worker/limit/limit_rules.h"

/* Connections of the source of that key, and of the listener. */
uint64_t limit_sum_source(const struct limiter *limiter, uint64_t key);
uint64_t limit_sum_listener(const struct limiter *limiter, uint32_t listener);

/*
 * True when a worker passes connections on, which count twice for a moment. Also where no listener
 * has a limit.
 */
bool limit_sum_is_moving(const struct limiter *limiter);

/*
 * How workers show each other that connections of a source wait: under another key, since when the
 * oldest one does, instead of a count. It is never 0, and comes round after hours.
 */
static inline uint64_t limit_sum_waiting_key(uint64_t key)
{
	return key ^ UINT64_C(0x5bd1e9955bd1e995);
}
uint32_t limit_sum_age(int64_t opened_us);

/* True when one of them has waited in another worker, which lets it in, since before opened_us. */
bool limit_sum_waits_elsewhere(const struct limiter *limiter, uint64_t key, int64_t opened_us,
			       int64_t now_ms);

#endif
