/* SPDX-License-Identifier: MIT */
/* Changes words by compare-and-swap, a bounded number of times. */
#include "stats/limit_rates.h"

#include <stddef.h>

enum {
	TRIES_MOST = 64, /* beyond that the word is of a worker that was taken over */
	TIME_BITS = 40,
	SAID_MS = 1000,
};

#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

static int64_t time_of(const struct limit_rates_row *row)
{
	return atomic_load_explicit(&row->time_ns, memory_order_relaxed);
}

/* The free row on the key's way, or the row of another listener that is replaced. */
static struct limit_rates_row *find_victim(struct limit_rates *rates, uint64_t key)
{
	struct limit_rates_row *oldest = NULL;

	for (unsigned i = 0; i < LIMIT_RATES_ROWS; i++) {
		struct limit_rates_row *row = &rates->rows[(key + i) % LIMIT_RATES_ROWS];

		if (atomic_load(&row->key) == 0)
			return row;
		if (!oldest || time_of(row) < time_of(oldest))
			oldest = row;
	}
	return oldest;
}

static struct limit_rates_row *find_row(struct limit_rates *rates, uint64_t key)
{
	for (unsigned i = 0; i < LIMIT_RATES_ROWS; i++) {
		struct limit_rates_row *row = &rates->rows[(key + i) % LIMIT_RATES_ROWS];

		if (atomic_load(&row->key) == key)
			return row;
		if (atomic_load(&row->key) == 0)
			break;
	}
	return NULL;
}

/* Workers that start at once look for the same row. */
struct limit_rates_row *limit_rates_row(struct limit_rates *rates, uint64_t key)
{
	struct limit_rates_row *row = find_row(rates, key);

	for (unsigned i = 0; !row && i < TRIES_MOST; i++) {
		struct limit_rates_row *victim = find_victim(rates, key);
		uint64_t before = atomic_load(&victim->key);

		if (!atomic_compare_exchange_strong(&victim->key, &before, key)) {
			row = find_row(rates, key);
			continue;
		}
		atomic_store(&victim->time_ns, 0);
		row = victim;
	}
	return row ? row : &rates->rows[key % LIMIT_RATES_ROWS];
}

/* A time that is out of bounds is put right as well, so that it does not stay. */
bool limit_rates_take(struct limit_rates_row *row, const struct rate_limit *limit, int64_t now_ns,
		      int64_t *due_ns)
{
	int64_t before_ns = time_of(row);

	*due_ns = now_ns;
	for (unsigned i = 0; i < TRIES_MOST; i++) {
		int64_t time_ns = before_ns;
		bool is_allowed = rate_limit_allows(limit, now_ns, &time_ns, due_ns);

		if (time_ns == before_ns ||
		    atomic_compare_exchange_strong(&row->time_ns, &before_ns, time_ns))
			return is_allowed;
	}
	return false;
}

bool limit_rates_allows(const struct limit_rates_row *row, const struct rate_limit *limit,
			int64_t now_ns, int64_t *due_ns)
{
	int64_t time_ns = time_of(row);

	return rate_limit_allows(limit, now_ns, &time_ns, due_ns);
}

void limit_rates_return(struct limit_rates_row *row, const struct rate_limit *limit)
{
	atomic_fetch_sub(&row->time_ns, limit->interval_ns);
}

static uint64_t tag_of(uint64_t key)
{
	return key & ~TIME_MASK;
}

/* A time lies within half of what its bits can hold, three days, before or after now. */
static int64_t time_in(uint64_t word, int64_t now_ns)
{
	uint64_t now = (uint64_t)now_ns / LIMIT_RATES_UNIT_NS;
	int64_t ahead = (int64_t)((word - now) << (64 - TIME_BITS)) >> (64 - TIME_BITS);

	return ((int64_t)now + ahead) * LIMIT_RATES_UNIT_NS;
}

static uint64_t word_of(uint64_t key, int64_t time_ns)
{
	return tag_of(key) | ((uint64_t)time_ns / LIMIT_RATES_UNIT_NS & TIME_MASK);
}

/* The word of the key, or the one that it takes over; *before is what was there. */
static _Atomic uint64_t *find_source(_Atomic uint64_t *set, uint64_t key, int64_t now_ns,
				     uint64_t *before)
{
	_Atomic uint64_t *oldest = NULL;
	int64_t oldest_ns = 0;

	for (unsigned i = 0; i < LIMIT_RATES_WAYS; i++) {
		uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
		int64_t time_ns = word == 0 ? INT64_MIN : time_in(word, now_ns);

		if (word != 0 && tag_of(word) == tag_of(key)) {
			*before = word;
			return &set[i];
		}
		if (!oldest || time_ns < oldest_ns) {
			oldest = &set[i];
			oldest_ns = time_ns;
			*before = word;
		}
	}
	return oldest;
}

bool limit_rates_take_source(struct limit_rates *rates, uint64_t key,
			     const struct rate_limit *limit, int64_t now_ns, int64_t *due_ns)
{
	*due_ns = now_ns;
	for (unsigned i = 0; i < TRIES_MOST; i++) {
		uint64_t before = 0;
		_Atomic uint64_t *word =
			find_source(rates->sources[key % LIMIT_RATES_SETS], key, now_ns, &before);
		bool is_known = before != 0 && tag_of(before) == tag_of(key);
		int64_t time_ns = is_known ? time_in(before, now_ns) : 0;
		bool is_allowed = rate_limit_allows(limit, now_ns, &time_ns, due_ns);
		uint64_t after = word_of(key, time_ns);

		if (after == before || atomic_compare_exchange_strong(word, &before, after))
			return is_allowed;
	}
	return false;
}

/* Of the workers that come at once, one logs. The clock of another one may have been read later. */
bool limit_rates_may_log(struct limit_rates_row *row, int64_t now_ms, uint64_t *count)
{
	int64_t said_ms = atomic_load(&row->said_ms);

	atomic_fetch_add(&row->unsaid, 1);
	if (said_ms != 0 && said_ms < now_ms + SAID_MS && said_ms > now_ms - SAID_MS)
		return false;
	if (!atomic_compare_exchange_strong(&row->said_ms, &said_ms, now_ms))
		return false;
	*count = atomic_exchange(&row->unsaid, 0);
	return true;
}
