/* SPDX-License-Identifier: MIT */
/* Writes to this worker's slot and to the log. */
#include "worker/limit/limit_note.h"

#include "base/log.h"

/* A source is noted once among the last ones. */
void limit_note_full(struct limiter *l, uint32_t listener, uint64_t key, const struct net *source)
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

/* The block of a source limit, the address of any other; "-" where there is none. */
static const char *write_source(const struct limiter *l, uint32_t listener, enum limit limit,
				const struct net *remote, char *text)
{
	const struct listen_conf *conf = limit_rules_conf(l, listener);
	bool is_source = limit == LIMIT_max_per_source || limit == LIMIT_rate_per_source;
	unsigned bits4 = is_source ? (unsigned)conf->source_prefix4 : 32;
	unsigned bits6 = is_source ? (unsigned)conf->source_prefix6 : 128;
	struct net block;

	if (!remote || !net_block(remote, bits4, bits6, &block) || !net_write_block(&block, text))
		return "-";
	return text;
}

void limit_note_reached(struct limiter *l, uint32_t listener, enum limit limit,
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
