/* SPDX-License-Identifier: MIT */
/* Claims and counts. */
#include "worker/limit/limiter.h"

#include "base/clock.h"
#include "worker/limit/limit_note.h"
#include "worker/limit/limit_sum.h"

enum { CLAIMS_MOST = 16 }; /* tries, while other workers claim the same place */

/* One is added to the count of a listener, so that 0 tells that the worker does not count it. */
static void show_listeners(struct limiter *l)
{
	for (uint32_t i = 0; i < l->listeners->count; i++)
		if (limit_rules_conf(l, i)->max_connections > 0)
			(void)limit_counts_set(&l->counts, l->rules[i].key, 1);
}

bool limiter_start(struct limiter *l)
{
	if (!limit_rules_new(l))
		return false;
	if (!l->memory)
		return true;
	l->counts = limit_memory_counts(l->memory, l->number);
	limit_counts_begin(&l->counts);
	show_listeners(l);
	return true;
}

void limiter_stop(struct limiter *l)
{
	limit_rules_free(l);
}

void limiter_publish(struct limiter *l)
{
	if (l->memory)
		limit_counts_publish(&l->counts);
}

/* Workers that claim in step would take their own back in step: each waits as the dice fall. */
static void fall_out_of_step(const struct limiter *l, unsigned round)
{
	uint64_t dice = ((uint64_t)clock_us() + l->number) * UINT64_C(0x9e3779b97f4a7c15);

	for (volatile uint64_t left = (dice >> 32) % (64 * (round + 1)); left > 0; left--)
		;
}

/* The algorithm is that of worker/limit/limiter.h. */
static bool claim_listener(struct limiter *l, uint32_t listener, uint64_t most)
{
	uint64_t key = l->rules[listener].key;

	for (unsigned i = 0; i < CLAIMS_MOST; i++) {
		if (!limit_counts_add(&l->counts, key))
			return false;
		if (limit_sum_listener(l, listener) <= most)
			return true;
		(void)limit_counts_remove(&l->counts, key);
		if (limit_sum_listener(l, listener) >= most)
			return false;
		fall_out_of_step(l, i);
	}
	return false;
}

/* *sum: of all connections of the source, with this one. */
static bool claim_source(struct limiter *l, uint64_t key, uint64_t most, uint64_t *sum)
{
	for (unsigned i = 0; i < CLAIMS_MOST; i++) {
		if (!limit_counts_add(&l->counts, key))
			return false;
		*sum = limit_sum_source(l, key);
		if (*sum <= most)
			return true;
		(void)limit_counts_remove(&l->counts, key);
		*sum = limit_sum_source(l, key);
		if (*sum >= most)
			return false;
		fall_out_of_step(l, i);
	}
	return false;
}

static int64_t soon_ms(int64_t now_us)
{
	return now_us / 1000 + LIMITER_LOOK_MS;
}

/* Whole milliseconds, never too early. */
static int64_t due_ms_of(int64_t due_ns)
{
	return (due_ns + 999999) / 1000000;
}

enum limit limiter_claim(struct limiter *l, uint32_t listener, int64_t now_us, int64_t *due_ms)
{
	const struct limit_rule *rule = &l->rules[listener];
	int64_t most = limit_rules_conf(l, listener)->max_connections, due_ns;

	if (!rule->is_on)
		return LIMIT_NONE;
	*due_ms = soon_ms(now_us);
	if (most > 0 && !claim_listener(l, listener, (uint64_t)most))
		return LIMIT_max_connections;
	if (rule->rate.interval_ns == 0 ||
	    limit_rates_take(rule->row, &rule->rate, now_us * 1000, &due_ns))
		return LIMIT_NONE;
	if (most > 0)
		(void)limit_counts_remove(&l->counts, rule->key);
	*due_ms = due_ms_of(due_ns);
	return LIMIT_rate;
}

static bool is_reached(const struct limiter *l, uint32_t listener, enum limit limit, uint64_t key)
{
	const struct listen_conf *conf = limit_rules_conf(l, listener);

	return limit == LIMIT_max_connections ?
		       limit_sum_listener(l, listener) >= (uint64_t)conf->max_connections :
		       limit_sum_source(l, key) >= (uint64_t)conf->max_per_source;
}

/* What has moved counts once as soon as no worker moves any more: only then the sum is final. */
bool limiter_lets_wait(const struct limiter *l, uint32_t listener, enum limit limit, uint64_t key)
{
	if (limit_rules_conf(l, listener)->on_limit == ON_LIMIT_WAIT)
		return true;
	if (limit != LIMIT_max_connections && limit != LIMIT_max_per_source)
		return false;
	return limit_sum_is_moving(l) || !is_reached(l, listener, limit, key) ||
	       limit_sum_is_moving(l);
}

void limiter_return_rate(struct limiter *l, uint32_t listener)
{
	const struct limit_rule *rule = &l->rules[listener];

	if (rule->rate.interval_ns > 0)
		limit_rates_return(rule->row, &rule->rate);
}

void limiter_return(struct limiter *l, uint32_t listener)
{
	if (!l->rules[listener].is_on)
		return;
	if (limit_rules_conf(l, listener)->max_connections > 0)
		(void)limit_counts_remove(&l->counts, l->rules[listener].key);
	limiter_return_rate(l, listener);
}

enum limit limiter_look(const struct limiter *l, uint32_t listener, int64_t now_us, int64_t *due_ms)
{
	const struct limit_rule *rule = &l->rules[listener];
	int64_t most = limit_rules_conf(l, listener)->max_connections, due_ns;

	if (!rule->is_on)
		return LIMIT_NONE;
	*due_ms = soon_ms(now_us);
	if (most > 0 && limit_sum_listener(l, listener) >= (uint64_t)most)
		return LIMIT_max_connections;
	if (rule->rate.interval_ns == 0 ||
	    limit_rates_allows(rule->row, &rule->rate, now_us * 1000, &due_ns))
		return LIMIT_NONE;
	*due_ms = due_ms_of(due_ns);
	return LIMIT_rate;
}

uint64_t limiter_source_key(const struct limiter *l, const struct record *r)
{
	struct net source;

	return limit_rules_source(l, r->listener, &r->remote, &source);
}

void limiter_show_waiting(struct limiter *l, uint64_t key, int64_t oldest_us)
{
	uint64_t waiting = limit_sum_waiting_key(key);
	uint32_t before, now = oldest_us > 0 ? limit_sum_age(oldest_us) : 0;

	if (!l->memory)
		return;
	before = limit_counts_own(&l->counts, waiting);
	if (!limit_counts_set(&l->counts, waiting, now))
		return; /* no room to show it */
	if (before == 0 && now > 0)
		atomic_fetch_add(&l->counts.head->waiting, 1);
	if (before > 0 && now == 0)
		atomic_fetch_sub(&l->counts.head->waiting, 1);
}

static bool claim_source_place(struct limiter *l, const struct record *r, uint64_t key,
			       uint64_t most)
{
	uint64_t sum = 0;
	bool is_claimed = claim_source(l, key, most, &sum);
	struct net source;

	if (sum >= most && limit_rules_source(l, r->listener, &r->remote, &source) != 0)
		limit_note_full(l, r->listener, key, &source);
	return is_claimed;
}

enum limit limiter_claim_source(struct limiter *l, struct record *r, uint64_t key, bool is_first,
				int64_t now_us, int64_t *due_ms)
{
	const struct limit_rule *rule = &l->rules[r->listener];
	uint64_t most = (uint64_t)limit_rules_conf(l, r->listener)->max_per_source;
	int64_t due_ns;

	if (key == 0)
		return LIMIT_NONE;
	*due_ms = soon_ms(now_us);
	if (!is_first || limit_sum_waits_elsewhere(l, key, r->opened_us, now_us / 1000))
		return most > 0 ? LIMIT_max_per_source : LIMIT_rate_per_source;
	if (most > 0 && !claim_source_place(l, r, key, most))
		return LIMIT_max_per_source;
	r->is_counted = most > 0;
	if (rule->source_rate.interval_ns == 0 ||
	    limit_rates_take_source(limit_memory_rates(l->memory), key, &rule->source_rate,
				    now_us * 1000, &due_ns))
		return LIMIT_NONE;
	if (r->is_counted)
		(void)limit_counts_remove(&l->counts, key);
	r->is_counted = false;
	*due_ms = due_ms_of(due_ns);
	return LIMIT_rate_per_source;
}

/* In PREFACE and WAITING the source has no part in it yet. */
void limiter_count_in(struct limiter *l, struct record *r)
{
	const struct listen_conf *conf = limit_rules_conf(l, r->listener);
	uint64_t key;

	r->is_counted = false;
	if (!l->rules[r->listener].is_on)
		return;
	if (conf->max_connections > 0)
		(void)limit_counts_add(&l->counts, l->rules[r->listener].key);
	key = conf->max_per_source > 0 && r->state > CONN_WAITING ? limiter_source_key(l, r) : 0;
	r->is_counted = key != 0 && limit_counts_add(&l->counts, key);
}

void limiter_count_arrival(struct limiter *l, struct record *r)
{
	if (l->memory)
		atomic_fetch_add(&l->counts.head->arrivals, 1);
	limiter_count_in(l, r);
}

void limiter_note_moving(struct limiter *l, bool is_moving)
{
	atomic_store(&l->slot->moving, is_moving);
}

uint64_t limiter_count_out(struct limiter *l, struct record *r)
{
	uint64_t key;

	if (!l->rules[r->listener].is_on)
		return 0;
	if (limit_rules_conf(l, r->listener)->max_connections > 0)
		(void)limit_counts_remove(&l->counts, l->rules[r->listener].key);
	if (!r->is_counted)
		return 0;
	key = limiter_source_key(l, r);
	(void)limit_counts_remove(&l->counts, key);
	r->is_counted = false;
	return key;
}
