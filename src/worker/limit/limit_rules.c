/* SPDX-License-Identifier: MIT */
/* Makes rules of options, and keys of addresses. It counts nothing. */
#include "worker/limit/limit_rules.h"

#include <stdlib.h>
#include <string.h>

/* What is hashed: every byte of it is set. */
struct source_id {
	uint64_t listen;
	uint64_t family, bits;
	uint8_t bytes[16];
};

/* The first address of its listen names it: the same in every generation. */
static uint64_t listen_key(const struct limiter *l, uint32_t listener)
{
	char text[ADDR_TEXT];

	for (uint32_t i = 0; i < listener; i++)
		if (limit_rules_conf(l, i) == limit_rules_conf(l, listener))
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
	const struct listen_conf *conf = limit_rules_conf(l, listener);

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
		if (conf_limit_is_on(limit_rules_conf(l, i)))
			return true;
	return false;
}

bool limit_rules_new(struct limiter *l)
{
	l->rules = calloc(l->listeners->count + 1, sizeof(*l->rules));
	if (!l->rules)
		return false;
	if (l->memory && (!l->memory->base || !has_limits(l)))
		l->memory = NULL;
	if (!l->memory)
		return true;
	for (uint32_t i = 0; i < l->listeners->count; i++)
		fill_rule(l, i, &l->rules[i]);
	return true;
}

void limit_rules_free(struct limiter *l)
{
	free(l->rules);
	l->rules = NULL;
}

uint64_t limit_rules_source(const struct limiter *l, uint32_t listener, const struct net *remote,
			    struct net *source)
{
	const struct listen_conf *conf = limit_rules_conf(l, listener);
	struct source_id id = { .listen = l->rules[listener].key };

	if (!l->memory || !l->rules[listener].has_sources ||
	    !net_block(remote, (unsigned)conf->source_prefix4, (unsigned)conf->source_prefix6,
		       source))
		return 0;
	id.family = source->family;
	id.bits = source->bits;
	memcpy(id.bytes, source->bytes, sizeof(id.bytes));
	return siphash(&l->memory->key, &id, sizeof(id)) | 1;
}
