/* SPDX-License-Identifier: MIT */
/* The servers of upstreams on the status screen. */
#include <string.h>

#include "ctl/format.h"
#include "ctl/status_screen.h"
#include "ctl/table.h"

enum {
	SERVER_UPSTREAM,
	SERVER_ADDRESS,
	SERVER_STATE,
	SERVER_SINCE,
	SERVER_LIVE,
	SERVER_WAITING,
	SERVER_TOTAL,
	SERVER_FAILURES,
	SERVER_CHECKS,
	SERVER_P50,
	SERVER_P99,
	SERVER_IN,
	SERVER_OUT,
	SERVER_WHY
};

static const struct column server_columns[TABLE_COLUMNS] = {
	[SERVER_UPSTREAM] = { .head = "upstream", .is_left = true, .min_width = 8 },
	[SERVER_ADDRESS] = { .head = "server", .is_left = true, .min_width = 16 },
	[SERVER_STATE] = { .head = "state", .is_left = true },
	[SERVER_SINCE] = { .head = "for", .rank = 4, .is_rare = true },
	[SERVER_LIVE] = { .head = "live" },
	[SERVER_WAITING] = { .head = "waiting", .is_rare = true },
	[SERVER_TOTAL] = { .head = "total", .rank = 1 },
	[SERVER_FAILURES] = { .head = "failed", .rank = 1 },
	[SERVER_CHECKS] = { .head = "checks failed", .rank = 5, .is_rare = true },
	[SERVER_P50] = { .head = "p50", .rank = 3 },
	[SERVER_P99] = { .head = "p99", .rank = 2 },
	[SERVER_IN] = { .head = "in", .rank = 6 },
	[SERVER_OUT] = { .head = "out", .rank = 6 },
	[SERVER_WHY] = { .head = "last failure", .is_left = true, .rank = 7, .is_rare = true },
};

static enum style style_of(const char *state)
{
	if (strcmp(state, "up") == 0)
		return STYLE_GOOD;
	if (strcmp(state, "gone") == 0)
		return STYLE_DIM;
	return strcmp(state, "drained") == 0 || strcmp(state, "down") == 0 ? STYLE_WARN : STYLE_BAD;
}

static void set_span(struct cell *cell, const struct histogram *h, double part)
{
	int64_t us = report_quantile_us(h, part);

	if (us >= 0)
		format_span(us, cell->text);
}

static void fill_counts(const struct report_server *server, struct cell *cells)
{
	const struct upstream_tally *tally = &server->tally;
	uint64_t failures = cell_get(&tally->upstream_failures_total);
	uint64_t checks = cell_get(&tally->upstream_checks_failed_total);
	uint64_t waiting = cell_get(&tally->upstream_connections_waiting);

	table_set_count(&cells[SERVER_LIVE], STYLE_PLAIN,
			cell_get(&tally->upstream_connections_live));
	table_set_count(&cells[SERVER_TOTAL], STYLE_PLAIN,
			cell_get(&tally->upstream_connections_total));
	table_set_count(&cells[SERVER_FAILURES], failures > 0 ? STYLE_WARN : STYLE_PLAIN, failures);
	if (checks > 0)
		table_set_count(&cells[SERVER_CHECKS], STYLE_WARN, checks);
	if (waiting > 0)
		table_set_count(&cells[SERVER_WAITING], STYLE_WARN, waiting);
	set_span(&cells[SERVER_P50], &tally->upstream_connect_seconds, 0.5);
	set_span(&cells[SERVER_P99], &tally->upstream_connect_seconds, 0.99);
	table_set_bytes(&cells[SERVER_IN], cell_get(&tally->upstream_bytes_in_total));
	table_set_bytes(&cells[SERVER_OUT], cell_get(&tally->upstream_bytes_out_total));
}

static bool fill_server(void *owner, unsigned index, struct cell *cells)
{
	const struct status_view *view = owner;
	struct report_server server;

	if (!report_server(view->report, index, &server) || !report_server_is_used(&server))
		return false;
	table_set_text(&cells[SERVER_UPSTREAM], STYLE_PLAIN, server.upstream);
	table_set_text(&cells[SERVER_ADDRESS], STYLE_PLAIN, server.address);
	table_set_text(&cells[SERVER_STATE], style_of(server.state), server.state);
	if (server.since_s > 0)
		table_set_age(&cells[SERVER_SINCE], server.since_s);
	table_set_text(&cells[SERVER_WHY], STYLE_PLAIN, server.why);
	fill_counts(&server, cells);
	return true;
}

void status_upstreams_write(struct status_view *view)
{
	struct table table = { .row_count = SCOREBOARD_SERVERS,
			       .fill_row = fill_server,
			       .owner = view };
	struct report_server server;
	bool is_any = false;

	for (unsigned i = 0; i < SCOREBOARD_SERVERS; i++)
		is_any = is_any || (report_server(view->report, i, &server) &&
				    report_server_is_used(&server));
	if (!is_any)
		return;
	memcpy(table.columns, server_columns, sizeof(table.columns));
	lines_title(view->lines, "UPSTREAMS", "p50, p99: the time until a server accepts");
	(void)table_write(&table, view->lines);
}
