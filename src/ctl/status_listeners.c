/* SPDX-License-Identifier: MIT */
/*
 * The listeners on the status screen, with their accept queues, and the client addresses that are
 * refused.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/status_screen.h"
#include "ctl/table.h"

enum {
	LISTENER_ADDRESS,
	LISTENER_SERVICE,
	LISTENER_ACCEPTED,
	LISTENER_PER_SECOND,
	LISTENER_LIVE,
	LISTENER_REFUSED,
	LISTENER_QUEUE,
	LISTENER_LIMIT,
	LISTENER_MOST,
	LISTENER_DROPS
};

static const struct column listener_columns[TABLE_COLUMNS] = {
	[LISTENER_ADDRESS] = { .head = "address", .is_left = true, .min_width = 16 },
	[LISTENER_SERVICE] = { .head = "service", .is_left = true, .rank = 5 },
	[LISTENER_ACCEPTED] = { .head = "accepted", .rank = 3 },
	[LISTENER_PER_SECOND] = { .head = "acc/s", .rank = 6 },
	[LISTENER_LIVE] = { .head = "live", .rank = 2 },
	[LISTENER_REFUSED] = { .head = "refused", .rank = 4 },
	[LISTENER_QUEUE] = { .head = "queue" },
	[LISTENER_LIMIT] = { .head = "limit", .rank = 1 },
	[LISTENER_MOST] = { .head = "most", .rank = 1 },
	[LISTENER_DROPS] = { .head = "drops" },
};

/* A listener that a reload has closed is shown while it has connections. */
static bool is_shown(const struct report_listener *listener)
{
	return !listener->is_gone || (int64_t)cell_get(&listener->tally.connections_live) > 0;
}

static enum style queue_style(uint64_t now, uint64_t limit)
{
	if (now == 0)
		return STYLE_PLAIN;
	if (now >= limit)
		return STYLE_BAD;
	return now > limit / 2 ? STYLE_WARN : STYLE_PLAIN;
}

static void fill_queue(const struct queue_tally *queue, struct cell *cells)
{
	uint64_t now = cell_get(&queue->accept_queue_length);
	uint64_t limit = cell_get(&queue->accept_queue_limit);
	uint64_t most = cell_get(&queue->accept_queue_highest);
	uint64_t drops = cell_get(&queue->accept_queue_dropped_segments_total);

	table_set_count(&cells[LISTENER_QUEUE], queue_style(now, limit), now);
	table_set_count(&cells[LISTENER_LIMIT], STYLE_PLAIN, limit);
	table_set_count(&cells[LISTENER_MOST], most > limit ? STYLE_WARN : STYLE_PLAIN, most);
	table_set_count(&cells[LISTENER_DROPS], drops > 0 ? STYLE_WARN : STYLE_PLAIN, drops);
}

static bool fill_listener(void *owner, unsigned index, struct cell *cells)
{
	const struct status_view *view = owner;
	struct report_listener listener;
	struct rate rate;
	int64_t live;

	if (!report_listener(view->report, index, &listener) || !is_shown(&listener))
		return false;
	live = (int64_t)cell_get(&listener.tally.connections_live);
	snprintf(cells[LISTENER_ADDRESS].text, sizeof(cells[LISTENER_ADDRESS].text), "%s%s",
		 listener.address, listener.is_gone ? " (gone)" : "");
	cells[LISTENER_ADDRESS].style = listener.is_gone ? STYLE_WARN : STYLE_PLAIN;
	table_set_text(&cells[LISTENER_SERVICE], STYLE_PLAIN, listener.service);
	table_set_count(&cells[LISTENER_ACCEPTED], STYLE_PLAIN,
			cell_get(&listener.tally.connections_accepted_total));
	table_set_count(&cells[LISTENER_LIVE], STYLE_PLAIN, live > 0 ? (uint64_t)live : 0);
	table_set_count(&cells[LISTENER_REFUSED], STYLE_PLAIN,
			cell_get(&listener.tally.connections_refused_total));
	if (view->samples != NULL && snapshot_rate(view->samples, SAMPLE_LISTENERS + index, &rate))
		table_set_count(&cells[LISTENER_PER_SECOND], STYLE_PLAIN, rate.accepted);
	fill_queue(&listener.queue, cells);
	return true;
}

static void write_host(struct status_view *view)
{
	const struct server_tally *server = &view->report->board->server;
	uint64_t overflows = cell_get(&server->host_listen_overflows_total);
	uint64_t drops = cell_get(&server->host_listen_drops_total);
	uint64_t syns = cell_get(&server->host_syn_queue_drops_total);

	if (overflows + drops + syns == 0)
		return;
	lines_printf(view->lines, STYLE_DIM,
		     "the whole host: %" PRIu64 " overflows, %" PRIu64 " drops, %" PRIu64
		     " at full SYN queues",
		     overflows, drops, syns);
	lines_end_line(view->lines);
}

void status_listeners_write(struct status_view *view)
{
	struct table table = { .row_count = METRIC_LISTENERS,
			       .fill_row = fill_listener,
			       .owner = view };

	memcpy(table.columns, listener_columns, sizeof(table.columns));
	if (view->samples == NULL)
		table.columns[LISTENER_PER_SECOND].head = NULL;
	lines_title(view->lines, "LISTENERS",
		    "queue: clients waiting to be accepted; drops: segments, not clients");
	table_write(&table, view->lines);
	write_host(view);
}

enum { COUNTER_ADDRESS, COUNTER_NAME, COUNTER_COUNT };

static const struct column counter_columns[TABLE_COLUMNS] = {
	[COUNTER_ADDRESS] = { .head = "address", .is_left = true, .min_width = 16, .rank = 1 },
	[COUNTER_NAME] = { .head = "counter", .is_left = true },
	[COUNTER_COUNT] = { .head = "count" },
};

static bool fill_counter(void *owner, unsigned index, struct cell *cells)
{
	const struct status_view *view = owner;
	unsigned cell = index % METRIC_NAMED;
	struct report_listener listener;
	char name[METRIC_COUNTER_NAME];

	if (!report_counter_name(view->report, index / METRIC_NAMED, cell, name) ||
	    !report_listener(view->report, index / METRIC_NAMED, &listener) ||
	    !is_shown(&listener))
		return false;
	table_set_text(&cells[COUNTER_ADDRESS], STYLE_PLAIN, listener.address);
	table_set_text(&cells[COUNTER_NAME], STYLE_PLAIN, name);
	table_set_count(&cells[COUNTER_COUNT], STYLE_PLAIN,
			cell_get(&listener.tally.module_counts_total[cell]));
	return true;
}

void status_listeners_write_counters(struct status_view *view)
{
	struct table table = { .row_count = METRIC_LISTENERS * METRIC_NAMED,
			       .fill_row = fill_counter,
			       .owner = view };
	struct cell cells[TABLE_COLUMNS];
	bool is_any = false;

	for (unsigned i = 0; i < table.row_count && !is_any; i++)
		is_any = fill_counter(view, i, cells);
	if (!is_any)
		return;
	memcpy(table.columns, counter_columns, sizeof(table.columns));
	lines_title(view->lines, "COUNTERS", "of modules");
	table_write(&table, view->lines);
}

enum { BAN_NET, BAN_LEFT };

static const struct column ban_columns[TABLE_COLUMNS] = {
	[BAN_NET] = { .head = "address", .is_left = true, .min_width = 20 },
	[BAN_LEFT] = { .head = "refused for another" },
};

static bool fill_ban(void *owner, unsigned index, struct cell *cells)
{
	const struct status_view *view = owner;
	struct report_ban ban;

	if (!report_ban(view->report, index, &ban))
		return false;
	table_set_text(&cells[BAN_NET], STYLE_WARN, ban.net);
	table_set_age(&cells[BAN_LEFT], ban.left_ms / 1000);
	return true;
}

void status_listeners_write_bans(struct status_view *view)
{
	struct table table = { .row_count = BAN_PLACES, .fill_row = fill_ban, .owner = view };
	struct report_ban ban;
	bool is_any = false;

	for (unsigned i = 0; i < BAN_PLACES && !is_any; i++)
		is_any = report_ban(view->report, i, &ban);
	if (!is_any)
		return;
	memcpy(table.columns, ban_columns, sizeof(table.columns));
	lines_title(view->lines, "PENALTIES",
		    "refused for having had connections in hand in crashes");
	table_write(&table, view->lines);
}
