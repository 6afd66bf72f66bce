/* SPDX-License-Identifier: MIT */
/* The tables of listeners on the status page. */
#include "services/status/page_table.h"

#define OF_LISTENER(name) cell_get(&l.tally.name)
#define OF_QUEUE(name)    cell_get(&l.queue.name)

#define LISTENERS(COLUMN)                                                                      \
	COLUMN("address", "Address", word, l.address)                                          \
	COLUMN("service", "Service", word, l.service)                                          \
	COLUMN("life", "State", state, l.is_gone ? "closed" : "open")                          \
	COLUMN("connections_live", "Open", count, OF_LISTENER(connections_live))               \
	COLUMN("connections_accepted_total", "Accepted", count,                                \
	       OF_LISTENER(connections_accepted_total))                                        \
	COLUMN("connections_refused_total", "Refused", count,                                  \
	       OF_LISTENER(connections_refused_total))                                         \
	COLUMN("connections_waiting", "Waiting", count, OF_LISTENER(connections_waiting))      \
	COLUMN("messages_total", "Requests", count, OF_LISTENER(messages_total))               \
	COLUMN("accept_queue_length accept_queue_limit", "Accept queue", meter,                \
	       ((struct html_share){ OF_QUEUE(accept_queue_length),                            \
				     OF_QUEUE(accept_queue_limit) }))                          \
	COLUMN("accept_queue_highest", "Longest queue", count, OF_QUEUE(accept_queue_highest)) \
	COLUMN("accept_queue_dropped_segments_total", "Dropped segments", count,               \
	       OF_QUEUE(accept_queue_dropped_segments_total))

static void row_listeners(const struct report *report, unsigned index, struct strbuf *text)
{
	struct report_listener l;

	if (report_listener(report, index, &l))
		HTML_ROW(LISTENERS);
}

PAGE_TABLE(listeners, "Listeners", LISTENERS)

#define LIMIT_COLUMNS(COLUMN)                                                         \
	COLUMN("address", "Address", word, l.address)                                 \
	COLUMN("limit", "Limit", word, limit_name(limit))                             \
	COLUMN("most", "Value", count, l.limits[limit])                               \
	COLUMN("reached", "Reached", count, OF_LISTENER(limits_reached_total[limit])) \
	COLUMN("on_limit", "On limit", word, l.on_limit)

/* A row for each limit that a listener has. */
static void row_limits(const struct report *report, unsigned index, struct strbuf *text)
{
	enum limit limit = index % LIMITS;
	struct report_listener l;

	if (report_listener(report, index / LIMITS, &l) && l.limits[limit] > 0)
		HTML_ROW(LIMIT_COLUMNS);
}

PAGE_TABLE(limits, "Limits of listeners", LIMIT_COLUMNS)

#define SOURCES(COLUMN)                              \
	COLUMN("source", "Source", word, s.source)   \
	COLUMN("listen", "Listener", word, s.listen) \
	COLUMN("connections", "Connections", count, s.count)

static void row_sources(const struct report *report, unsigned index, struct strbuf *text)
{
	struct report_source s;

	if (report_source(report, index, &s))
		HTML_ROW(SOURCES);
}

PAGE_TABLE(sources, "Sources at their limit", SOURCES)

#define COUNTERS(COLUMN)                            \
	COLUMN("address", "Address", word, address) \
	COLUMN("name", "Counter", word, name)       \
	COLUMN("count", "Count", count, cell_get(&sum.module_counts_total[cell]))

/* A row for each place of a counter. */
static void row_counters(const struct report *report, unsigned index, struct strbuf *text)
{
	unsigned row = index / METRIC_NAMED, cell = index % METRIC_NAMED;
	char address[128], service[16], name[METRIC_COUNTER_NAME];
	struct listener_tally sum;
	struct tally here;

	if (!report_counter_name(report, row, cell, name))
		return;
	report_listener_name(report, row, address, service);
	tally_listener(report_tally(report, &here), report->board, row, &sum);
	HTML_ROW(COUNTERS);
}

PAGE_TABLE(counters, "What modules count", COUNTERS)
