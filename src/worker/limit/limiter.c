/* SPDX-License-Identifier: MIT */
/* Claims, counts and sums. The memory of other workers may hold anything: sums are bounded. */
#include "worker/limit/limiter.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum {
	CLAIMS_MOST = 16,  /* tries, while other workers claim the same place */
	DEAF_MS = 200,     /* a worker whose loop has not turned for so long keeps none waiting */
	AGE_UNIT_US = 16384 /* of the ages that workers show each other */
};

/* The key of what waits, by that of the count. */
#define WAITING_KEY UINT64_C(0x5bd1e9955bd1e995)

/* What is hashed: every byte of it is set. */
struct source_id {
	uint64_t listen;
	uint64_t family, bits;
	uint8_t bytes[16];
};

static const struct listen_conf *conf_of(const struct limiter *l, uint32_t listener)
{
	return l->listeners->list[listener].conf;
}

/* The first address of its listen names it: the same in every generation. */
static uint64_t listen_key(const struct limiter *l, uint32_t listener)
{
	char text[ADDR_TEXT];

	for (uint32_t i = 0; i < listener; i++)
		if (conf_of(l, i) == conf_of(l, listener))
			listener = i;
	addr_write(&l->listeners->list[listener].bound, text);
	return siphash(&l->memory->key, text, strlen(text)) | 1;
}

static struct rate_limit rate_of(int64_t rate, int64_t burst, int64_t unit_ns)
{
	return rate > 0 ? rate_limit_of(rate, burst > 0 ? burst : rate, unit_ns) :
			  (struct rate_limit){ 0 };
}

static void fill_rule(const struct limiter *l, uint32_t listener, struct limit_rule *rule)
{
	const struct listen_conf *conf = conf_of(l, listener);

	rule->is_on = conf_limit_is_on(conf);
	rule->has_sources = conf_limit_has_sources(conf);
	if (!rule->is_on)
		return;
	rule->key = listen_key(l, listener);
	rule->row = limit_rates_row(limit_memory_rates(l->memory), rule->key);
	rule->rate = rate_of(conf->rate, conf->rate_burst, 1);
	rule->source_rate =
		rate_of(conf->rate_per_source, conf->rate_per_source_burst, LIMIT_RATES_UNIT_NS);
}

static bool has_limits(const struct limiter *l)
{
	for (uint32_t i = 0; i < l->listeners->count; i++)
		if (conf_limit_is_on(conf_of(l, i)))
			return true;
	return false;
}

/* One is added to the count of a listener, so that 0 tells that the worker does not count it. */
static void show_listeners(struct limiter *l)
{
	for (uint32_t i = 0; i < l->listeners->count; i++)
		if (conf_of(l, i)->max_connections > 0)
			(void)limit_counts_set(&l->counts, l->rules[i].key, 1);
}

bool limiter_start(struct limiter *l)
{
	l->rules = calloc(l->listeners->count + 1, sizeof(*l->rules));
	if (!l->rules)
		return false;
	if (l->memory && (!l->memory->base || !has_limits(l)))
		l->memory = NULL;
	if (!l->memory)
		return true;
	l->counts = limit_memory_counts(l->memory, l->number);
	for (uint32_t i = 0; i < l->listeners->count; i++)
		fill_rule(l, i, &l->rules[i]);
	limit_counts_begin(&l->counts);
	show_listeners(l);
	return true;
}

void limiter_stop(struct limiter *l)
{
	free(l->rules);
	l->rules = NULL;
}

void limiter_publish(struct limiter *l)
{
	if (l->memory)
		limit_counts_publish(&l->counts);
}

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

static uint64_t sum_source(const struct limiter *l, uint64_t key)
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

		if (conf_of(l, i) == conf_of(l, listener) && row < METRIC_LISTENERS - 1 &&
		    live <= LIMIT_COUNTS_MOST)
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

static uint64_t sum_listener(const struct limiter *l, uint32_t listener)
{
	uint64_t own = limit_counts_own(&l->counts, l->rules[listener].key);
	uint64_t sum = own > 0 ? own - 1 : 0;

	for (unsigned i = 0; i < scoreboard_slots(l->board); i++)
		if (is_other(l, i))
			sum += count_of(l, i, listener);
	return sum;
}

/* The algorithm is that of worker/limit/limiter.h. */
static bool claim_listener(struct limiter *l, uint32_t listener, uint64_t most)
{
	uint64_t key = l->rules[listener].key;

	for (unsigned i = 0; i < CLAIMS_MOST; i++) {
		if (!limit_counts_add(&l->counts, key))
			return false;
		if (sum_listener(l, listener) <= most)
			return true;
		(void)limit_counts_remove(&l->counts, key);
		if (sum_listener(l, listener) >= most)
			return false;
	}
	return false;
}

/* *sum: of all connections of the source, with this one. */
static bool claim_source(struct limiter *l, uint64_t key, uint64_t most, uint64_t *sum)
{
	for (unsigned i = 0; i < CLAIMS_MOST; i++) {
		if (!limit_counts_add(&l->counts, key))
			return false;
		*sum = sum_source(l, key);
		if (*sum <= most)
			return true;
		(void)limit_counts_remove(&l->counts, key);
		*sum = sum_source(l, key);
		if (*sum >= most)
			return false;
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
	int64_t most = conf_of(l, listener)->max_connections, due_ns;

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
	if (conf_of(l, listener)->max_connections > 0)
		(void)limit_counts_remove(&l->counts, l->rules[listener].key);
	limiter_return_rate(l, listener);
}

enum limit limiter_look(const struct limiter *l, uint32_t listener, int64_t now_us, int64_t *due_ms)
{
	const struct limit_rule *rule = &l->rules[listener];
	int64_t most = conf_of(l, listener)->max_connections, due_ns;

	if (!rule->is_on)
		return LIMIT_NONE;
	*due_ms = soon_ms(now_us);
	if (most > 0 && sum_listener(l, listener) >= (uint64_t)most)
		return LIMIT_max_connections;
	if (rule->rate.interval_ns == 0 ||
	    limit_rates_allows(rule->row, &rule->rate, now_us * 1000, &due_ns))
		return LIMIT_NONE;
	*due_ms = due_ms_of(due_ns);
	return LIMIT_rate;
}

static bool find_source(const struct limiter *l, const struct record *r, struct net *source)
{
	const struct listen_conf *conf = conf_of(l, r->listener);

	return net_block(&r->remote, (unsigned)conf->source_prefix4, (unsigned)conf->source_prefix6,
			 source);
}

static uint64_t key_of(const struct limiter *l, uint32_t listener, const struct net *source)
{
	struct source_id id = { l->rules[listener].key, source->family, source->bits, { 0 } };

	memcpy(id.bytes, source->bytes, sizeof(id.bytes));
	return siphash(&l->memory->key, &id, sizeof(id));
}

uint64_t limiter_source_key(const struct limiter *l, const struct record *r)
{
	struct net source;

	if (!l->memory || !l->rules[r->listener].has_sources || !find_source(l, r, &source))
		return 0;
	return key_of(l, r->listener, &source);
}

/* The time since which a connection waits, in a count; never 0. It counts from 0 again. */
static uint32_t age_of(int64_t opened_us)
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

/* True when a connection of the source has waited in another worker since before this one came. */
static bool must_let_pass(const struct limiter *l, uint64_t key, const struct record *r,
			  int64_t now_ms)
{
	for (unsigned i = 0; i < scoreboard_slots(l->board); i++) {
		struct limit_counts other = limit_memory_counts(l->memory, i);
		uint32_t age;

		if (!is_other(l, i) || !counts_limits(l, i) ||
		    atomic_load(&other.head->waiting) == 0 || !lets_in(&l->board->slots[i], now_ms))
			continue;
		age = limit_counts_get(&other, key ^ WAITING_KEY);
		if (age > 0 && is_before(age, age_of(r->opened_us)))
			return true;
	}
	return false;
}

void limiter_show_waiting(struct limiter *l, uint64_t key, int64_t oldest_us)
{
	uint64_t waiting = key ^ WAITING_KEY;
	uint32_t before, now = oldest_us > 0 ? age_of(oldest_us) : 0;

	if (!l->memory)
		return;
	before = limit_counts_own(&l->counts, waiting);
	(void)limit_counts_set(&l->counts, waiting, now);
	if (before == 0 && now > 0)
		atomic_fetch_add(&l->counts.head->waiting, 1);
	if (before > 0 && now == 0)
		atomic_fetch_sub(&l->counts.head->waiting, 1);
}

/* A source is noted once among the last ones. */
static void note_full(struct limiter *l, uint64_t key, const struct net *source, uint32_t listener)
{
	struct source_note *note;

	for (unsigned i = 0; i < SLOT_SOURCES; i++)
		if (atomic_load_explicit(&l->slot->sources[i].key, memory_order_relaxed) == key)
			return;
	note = &l->slot->sources[l->next_source++ % SLOT_SOURCES];
	atomic_store_explicit(&note->key, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	note->source = *source;
	note->listener = (uint8_t)l->listeners->list[listener].row;
	atomic_store_explicit(&note->key, key, memory_order_release);
}

static enum limit claim_for(struct limiter *l, struct record *r, uint64_t key,
			    const struct net *source, int64_t now_us, int64_t *due_ms)
{
	const struct limit_rule *rule = &l->rules[r->listener];
	uint64_t most = (uint64_t)conf_of(l, r->listener)->max_per_source, sum = 0;
	bool is_claimed = most == 0 || claim_source(l, key, most, &sum);
	int64_t due_ns;

	if (most > 0 && sum >= most)
		note_full(l, key, source, r->listener);
	if (!is_claimed)
		return LIMIT_max_per_source;
	if (rule->source_rate.interval_ns > 0 &&
	    !limit_rates_take_source(limit_memory_rates(l->memory), key, &rule->source_rate,
				     now_us * 1000, &due_ns)) {
		if (most > 0)
			(void)limit_counts_remove(&l->counts, key);
		*due_ms = due_ms_of(due_ns);
		return LIMIT_rate_per_source;
	}
	r->is_counted = most > 0;
	return LIMIT_NONE;
}

enum limit limiter_claim_source(struct limiter *l, struct record *r, bool is_first, int64_t now_us,
				int64_t *due_ms)
{
	bool has_most = conf_of(l, r->listener)->max_per_source > 0;
	struct net source;
	uint64_t key;

	if (!l->rules[r->listener].has_sources || !find_source(l, r, &source))
		return LIMIT_NONE;
	key = key_of(l, r->listener, &source);
	*due_ms = soon_ms(now_us);
	if (!is_first || must_let_pass(l, key, r, now_us / 1000))
		return has_most ? LIMIT_max_per_source : LIMIT_rate_per_source;
	return claim_for(l, r, key, &source, now_us, due_ms);
}

/* In PREFACE and WAITING the source has no part in it yet. */
void limiter_count_in(struct limiter *l, struct record *r)
{
	const struct listen_conf *conf = conf_of(l, r->listener);
	uint64_t key;

	r->is_counted = false;
	if (!l->rules[r->listener].is_on)
		return;
	if (conf->max_connections > 0)
		(void)limit_counts_add(&l->counts, l->rules[r->listener].key);
	key = conf->max_per_source > 0 && r->state > CONN_WAITING ? limiter_source_key(l, r) : 0;
	r->is_counted = key != 0 && limit_counts_add(&l->counts, key);
}

uint64_t limiter_count_out(struct limiter *l, struct record *r)
{
	uint64_t key;

	if (!l->rules[r->listener].is_on)
		return 0;
	if (conf_of(l, r->listener)->max_connections > 0)
		(void)limit_counts_remove(&l->counts, l->rules[r->listener].key);
	if (!r->is_counted)
		return 0;
	key = limiter_source_key(l, r);
	(void)limit_counts_remove(&l->counts, key);
	r->is_counted = false;
	return key;
}

/* The block of a source limit, the address of any other; "-" where there is none. */
static const char *write_source(const struct limiter *l, uint32_t listener, enum limit limit,
				const struct net *remote, char *text)
{
	const struct listen_conf *conf = conf_of(l, listener);
	bool is_source = limit == LIMIT_max_per_source || limit == LIMIT_rate_per_source;
	unsigned bits4 = is_source ? (unsigned)conf->source_prefix4 : 32;
	unsigned bits6 = is_source ? (unsigned)conf->source_prefix6 : 128;
	struct net block;

	if (!remote || !net_block(remote, bits4, bits6, &block) || !net_write_block(&block, text))
		return "-";
	return text;
}

void limiter_note_reached(struct limiter *l, uint32_t listener, enum limit limit,
			  const struct net *remote, int64_t now_ms)
{
	const struct listener *at = &l->listeners->list[listener];
	static const char *const words[] = { "wait", "close", "reset" };
	char text[ADDR_TEXT];
	uint64_t count;

	cell_add(&l->slot->tally.listeners[at->row].limits_reached_total[limit], 1);
	if (!limit_rates_may_log(l->rules[listener].row, now_ms, &count))
		return;
	LOG(EVENT_limit_reached, LOG_STR("listen", at->conf->address),
	    LOG_STR("limit", limit_name(limit)),
	    LOG_STR("source", write_source(l, listener, limit, remote, text)),
	    LOG_STR("on_limit", words[at->conf->on_limit]), LOG_NUM("count", count));
}
