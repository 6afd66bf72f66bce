/* SPDX-License-Identifier: MIT */
/*
 * Reads the limits of listeners, and the sources at their limit, from a scoreboard, and writes them
 * as JSON.
 */
#include <string.h>

#include "stats/json.h"
#include "stats/report.h"
#include "stats/report_json_parts.h"

enum { SOURCES_TRIES = 100 };

/* False while the master writes them, or when it died of that. */
static bool copy_source(const struct full_sources *from, unsigned index, struct full_source *to)
{
	uint32_t before = atomic_load_explicit(&from->seq, memory_order_acquire);
	uint32_t count = atomic_load_explicit(&from->count, memory_order_relaxed);

	memcpy(to, &from->list[index], sizeof(*to));
	if (index >= count)
		to->count = 0;
	atomic_thread_fence(memory_order_acquire);
	return before % 2 == 0 && before == atomic_load_explicit(&from->seq, memory_order_relaxed);
}

bool report_source(const struct report *report, unsigned index, struct report_source *out)
{
	struct full_source source = { .count = 0 };
	bool is_read = false;

	for (unsigned i = 0; i < SOURCES_TRIES && !is_read; i++)
		is_read = copy_source(&report->board->sources, index, &source);
	if (!is_read || source.count == 0 || !net_write_block(&source.source, out->source) ||
	    !report_listener_name(report, source.listener, out->listen, out->service))
		return false;
	out->count = source.count;
	out->most = atomic_load_explicit(
		&report->board->listeners[source.listener].limits.values[LIMIT_max_per_source],
		memory_order_relaxed);
	return true;
}

void report_limits_json(const struct report_listener *listener, struct strbuf *text)
{
	json_key(text, "limits");
	strbuf_raw(text, "{");
	for (unsigned i = 0; i < LIMITS; i++)
		json_u64(text, limit_name(i), listener->limits[i]);
	strbuf_raw(text, "}");
	json_string(text, "on_limit", listener->on_limit, 8);
}

void report_source_json(const struct report *report, unsigned index, bool has_before,
			struct strbuf *text)
{
	struct report_source source;

	if (!report_json_begin(text, has_before, report_source(report, index, &source)))
		return;
	JSON_TEXT(text, "source", source.source);
	JSON_TEXT(text, "listen", source.listen);
	JSON_TEXT(text, "service", source.service);
	json_u64(text, "connections", source.count);
	json_u64(text, "max_per_source", source.most);
	strbuf_raw(text, "}");
}
