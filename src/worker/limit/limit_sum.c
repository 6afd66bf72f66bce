/* SPDX-License-Identifier: MIT */
/* Walks over the slots in use. */
#include "worker/limit/limit_sum.h"

enum {
	DEAF_MS = 200,       /* a worker whose loop has not turned for so long lets nobody in */
	SUMS_MOST = 32,      /* tries of one sum, while connections move */
	AGE_UNIT_US = 16384, /* of the times that workers show each other */
};

/* Another worker of the server, whose counts are to be added. */
static bool is_other(const struct limiter *l, unsigned slot)
{
	const struct slot_info *info = &l->board->infos[slot];

	return slot != l->number && atomic_load(&info->is_taken) != 0;
}

static bool counts_limits(const struct limiter *l, unsigned slot)
{
	return atomic_load(&l->board->infos[slot].has_limits) != 0;
}

/*
 * The connections of a worker that does not count those of the listener, because max_connections
 * was off when it started: its metrics have them, unless the listener shares their last row.
 */
static uint64_t count_by_metrics(const struct limiter *l, unsigned slot, uint32_t listener)
{
	const struct slot *other = &l->board->slots[slot];
	uint64_t sum = 0;

	for (uint32_t i = 0; i < l->listeners->count; i++) {
		unsigned row = l->listeners->list[i].row;
		uint64_t live = cell_get(&other->tally.listeners[row].connections_live);

		if (limit_rules_conf(l, i) == limit_rules_conf(l, listener) &&
		    row < METRIC_LISTENERS - 1 && live <= LIMIT_COUNTS_MOST)
			sum += live;
	}
	return sum;
}

static uint64_t count_listener(const struct limiter *l, unsigned slot, uint64_t listener)
{
	struct limit_counts other = limit_memory_counts(l->memory, slot);
	uint32_t count = counts_limits(l, slot) ? limit_counts_get(&other, l->rules[listener].key) :
						  0;

	return count > 0 ? count - 1 : count_by_metrics(l, slot, (uint32_t)listener);
}

static uint64_t count_source(const struct limiter *l, unsigned slot, uint64_t key)
{
	struct limit_counts other = limit_memory_counts(l->memory, slot);

	return counts_limits(l, slot) ? limit_counts_get(&other, key) : 0;
}

static uint64_t arrivals_of(const struct limiter *l, unsigned slot)
{
	struct limit_counts other = limit_memory_counts(l->memory, slot);

	return counts_limits(l, slot) ? atomic_load(&other.head->arrivals) : 0;
}

/* False when a connection may have moved past this walk, from a later slot to an earlier. */
static bool sum_once(const struct limiter *l,
		     uint64_t (*count)(const struct limiter *l, unsigned slot, uint64_t of),
		     uint64_t of, uint64_t *sum)
{
	uint64_t before = 0, after = 0;

	*sum = 0;
	for (unsigned i = 0; i < scoreboard_slots(l->board); i++) {
		if (!is_other(l, i))
			continue;
		before += arrivals_of(l, i);
		*sum += count(l, i, of);
	}
	for (unsigned i = 0; i < scoreboard_slots(l->board); i++)
		if (is_other(l, i))
			after += arrivals_of(l, i);
	return before == after;
}

/* While connections move all the time, nobody knows how many there are: too many. */
static uint64_t sum_others(const struct limiter *l,
			   uint64_t (*count)(const struct limiter *l, unsigned slot, uint64_t of),
			   uint64_t of)
{
	uint64_t sum;

	for (unsigned i = 0; i < SUMS_MOST; i++)
		if (sum_once(l, count, of, &sum))
			return sum;
	return UINT32_MAX;
}

uint64_t limit_sum_source(const struct limiter *l, uint64_t key)
{
	return limit_counts_own(&l->counts, key) + sum_others(l, count_source, key);
}

uint64_t limit_sum_listener(const struct limiter *l, uint32_t listener)
{
	uint64_t own = limit_counts_own(&l->counts, l->rules[listener].key);

	return (own > 0 ? own - 1 : 0) + sum_others(l, count_listener, listener);
}

static bool is_moving(const struct limiter *l, unsigned slot)
{
	const struct slot *other = &l->board->slots[slot];

	return atomic_load(&other->state) == SLOT_MOVING || atomic_load(&other->moving) != 0;
}

bool limit_sum_is_moving(const struct limiter *l)
{
	if (atomic_load(&l->slot->moving) != 0)
		return true;
	for (unsigned i = 0; l->board && i < scoreboard_slots(l->board); i++)
		if (is_other(l, i) && is_moving(l, i))
			return true;
	return false;
}

uint32_t limit_sum_age(int64_t opened_us)
{
	uint32_t age = (uint32_t)((uint64_t)opened_us / AGE_UNIT_US) & LIMIT_COUNTS_MOST;

	return age > 0 ? age : 1;
}

static bool is_before(uint32_t age, uint32_t other)
{
	uint32_t ahead = (other - age) & LIMIT_COUNTS_MOST;

	return ahead != 0 && ahead <= LIMIT_COUNTS_MOST / 2;
}

/* A worker that hangs, or is yet to take over, lets no connection in. */
static bool lets_in(const struct slot *slot, int64_t now_ms)
{
	uint32_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);

	return (state == SLOT_READY || state == SLOT_MOVING) &&
	       atomic_load_explicit(&slot->heartbeat_ms, memory_order_relaxed) >= now_ms - DEAF_MS;
}

bool limit_sum_waits_elsewhere(const struct limiter *l, uint64_t key, int64_t opened_us,
			       int64_t now_ms)
{
	for (unsigned i = 0; i < scoreboard_slots(l->board); i++) {
		struct limit_counts other = limit_memory_counts(l->memory, i);
		uint32_t age;

		if (!is_other(l, i) || !counts_limits(l, i) ||
		    atomic_load(&other.head->waiting) == 0 || !lets_in(&l->board->slots[i], now_ms))
			continue;
		age = limit_counts_get(&other, limit_sum_waiting_key(key));
		if (age > 0 && is_before(age, limit_sum_age(opened_us)))
			return true;
	}
	return false;
}
