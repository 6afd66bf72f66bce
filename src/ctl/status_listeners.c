/* SPDX-License-Identifier: MIT */
/* The status screen's table of listeners and of the kernel's queues before them. */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/status_parts.h"
#include "ctl/table.h"

enum { ADDRESS, SERVICE, ACCEPTED, PER_SECOND, LIVE, REFUSED, QUEUE, LIMIT, MOST, DROPS };

static const struct column columns[TABLE_COLUMNS] = {
	[ADDRESS] = { .head = "address", .is_left = true, .least = 16 },
	[SERVICE] = { .head = "service", .is_left = true, .rank = 5 },
	[ACCEPTED] = { .head = "accepted", .rank = 3 },
	[PER_SECOND] = { .head = "acc/s", .rank = 6 },
	[LIVE] = { .head = "live", .rank = 2 },
	[REFUSED] = { .head = "refused", .rank = 4 },
	[QUEUE] = { .head = "queue" },
	[LIMIT] = { .head = "limit", .rank = 1 },
	[MOST] = { .head = "most", .rank = 1 },
	[DROPS] = { .head = "drops" },
};

/* One that a reload has left out is of interest only while it has connections. */
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

	table_set_count(&cells[QUEUE], queue_style(now, limit), now);
	table_set_count(&cells[LIMIT], STYLE_PLAIN, limit);
	table_set_count(&cells[MOST], most > limit ? STYLE_WARN : STYLE_PLAIN, most);
	table_set_count(&cells[DROPS], drops > 0 ? STYLE_WARN : STYLE_PLAIN, drops);
}

static bool fill_row(void *owner, unsigned index, struct cell *cells)
{
	const struct status_view *view = owner;
	struct report_listener listener;
	struct rate rate;
	int64_t live;

	if (!report_listener(view->report, index, &listener) || !is_shown(&listener))
		return false;
	live = (int64_t)cell_get(&listener.tally.connections_live);
	snprintf(cells[ADDRESS].text, sizeof(cells[ADDRESS].text), "%s%s", listener.address,
		 listener.is_gone ? " (gone)" : "");
	cells[ADDRESS].style = listener.is_gone ? STYLE_WARN : STYLE_PLAIN;
	table_set_text(&cells[SERVICE], STYLE_PLAIN, listener.service);
	table_set_count(&cells[ACCEPTED], STYLE_PLAIN,
			cell_get(&listener.tally.connections_accepted_total));
	table_set_count(&cells[LIVE], STYLE_PLAIN, live > 0 ? (uint64_t)live : 0);
	table_set_count(&cells[REFUSED], STYLE_PLAIN,
			cell_get(&listener.tally.connections_refused_total));
	if (view->rates != NULL && rates_of(view->rates, RATES_LISTENERS + index, &rate))
		table_set_count(&cells[PER_SECOND], STYLE_PLAIN, rate.accepted);
	fill_queue(&listener.queue, cells);
	return true;
}

static void show_host(struct status_view *view)
{
	const struct server_tally *server = &view->report->board->server;
	uint64_t overflows = cell_get(&server->host_listen_overflows_total);
	uint64_t drops = cell_get(&server->host_listen_drops_total);
	uint64_t syns = cell_get(&server->host_syn_queue_drops_total);

	if (overflows + drops + syns == 0)
		return;
	screen_say(view->screen, STYLE_DIM,
		   "the whole host: %" PRIu64 " overflows, %" PRIu64 " drops, %" PRIu64
		   " at full SYN queues",
		   overflows, drops, syns);
	screen_end(view->screen);
}

void status_listeners_write(struct status_view *view)
{
	struct table table = { .most = METRIC_LISTENERS, .row = fill_row, .owner = view };

	for (unsigned c = 0; c < TABLE_COLUMNS; c++)
		table.columns[c] = columns[c];
	if (view->rates == NULL)
		table.columns[PER_SECOND].head = NULL;
	screen_title(view->screen, "LISTENERS",
		     "queue: clients waiting to be accepted; drops: segments, not clients");
	table_show(&table, view->screen);
	show_host(view);
}
