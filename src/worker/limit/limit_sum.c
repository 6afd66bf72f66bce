/* SPDX-License-Identifier: MIT */
/* Walks over the slots in use. */
#include "worker/limit/limit_sum.h"

enum {
	DEAF_MS = 200,       /* a worker whose loop has not turned for so long lets nobody in */
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

uint64_t limit_sum_source(const struct limiter *l, uint64_t key)
{
	uint64_t sum = limit_counts_own(&l->counts, key);

	for (unsigned i = 0; i < scoreboard_slots(l->board); i++) {
		struct limit_counts other = limit_memory_counts(l->memory, i);

		if (is_other(l, i) && counts_limits(l, i))
			sum += limit_counts_get(&other, key);
	}
	return sum;
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

static uint64_t count_of(const struct limiter *l, unsigned slot, uint32_t listener)
{
	struct limit_counts other = limit_memory_counts(l->memory, slot);
	uint32_t count = counts_limits(l, slot) ? limit_counts_get(&other, l->rules[listener].key) :
						  0;

	return count > 0 ? count - 1 : count_by_metrics(l, slot, listener);
}

uint64_t limit_sum_listener(const struct limiter *l, uint32_t listener)
{
	uint64_t own = limit_counts_own(&l->counts, l->rules[listener].key);
	uint64_t sum = own > 0 ? own - 1 : 0;

	for (unsigned i = 0; i < scoreboard_slots(l->board); i++)
		if (is_other(l, i))
			sum += count_of(l, i, listener);
	return sum;
}

bool limit_sum_is_moving(const struct limiter *l)
{
	for (unsigned i = 0; i < scoreboard_slots(l->board); i++)
		if (is_other(l, i) && atomic_load_explicit(&l->board->slots[i].state,
							   memory_order_relaxed) == SLOT_MOVING)
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
