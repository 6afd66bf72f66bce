/* SPDX-License-Identifier: MIT */
/* The limits of listeners on the status screen, and the sources that are at theirs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/status_screen.h"
#include "ctl/table.h"

enum { LIMIT_ADDRESS, LIMIT_NAME, LIMIT_VALUE, LIMIT_REACHED, LIMIT_WAITING, LIMIT_ACTION };

static const struct column limit_columns[TABLE_COLUMNS] = {
	[LIMIT_ADDRESS] = { .head = "address", .is_left = true, .min_width = 16 },
	[LIMIT_NAME] = { .head = "limit", .is_left = true },
	[LIMIT_VALUE] = { .head = "value" },
	[LIMIT_REACHED] = { .head = "reached" },
	[LIMIT_WAITING] = { .head = "waiting", .rank = 1, .is_rare = true },
	[LIMIT_ACTION] = { .head = "on limit", .is_left = true, .rank = 2 },
};

static bool is_of_sources(enum limit limit)
{
	return limit == LIMIT_max_per_source || limit == LIMIT_rate_per_source;
}

/* A row for each limit that a listener has. */
static bool fill_limit(void *owner, unsigned index, struct cell *cells)
{
	const struct status_view *view = owner;
	enum limit limit = index % LIMITS;
	struct report_listener listener;
	uint64_t reached, waiting;

	if (!report_listener(view->report, index / LIMITS, &listener) || listener.is_gone ||
	    listener.limits[limit] == 0)
		return false;
	reached = cell_get(&listener.tally.limits_reached_total[limit]);
	waiting = cell_get(&listener.tally.connections_waiting);
	table_set_text(&cells[LIMIT_ADDRESS], STYLE_PLAIN, listener.address);
	table_set_text(&cells[LIMIT_NAME], STYLE_PLAIN, limit_name(limit));
	table_set_count(&cells[LIMIT_VALUE], STYLE_PLAIN, listener.limits[limit]);
	table_set_count(&cells[LIMIT_REACHED], reached > 0 ? STYLE_WARN : STYLE_PLAIN, reached);
	if (is_of_sources(limit) && waiting > 0 && waiting <= METRIC_MOST)
		table_set_count(&cells[LIMIT_WAITING], STYLE_WARN, waiting);
	table_set_text(&cells[LIMIT_ACTION], STYLE_PLAIN, listener.on_limit);
	return true;
}

static bool is_any(struct status_view *view, const struct table *table)
{
	struct cell cells[TABLE_COLUMNS];

	for (unsigned i = 0; i < table->row_count; i++)
		if (table->fill_row(view, i, cells))
			return true;
	return false;
}

void status_limits_write(struct status_view *view)
{
	struct table table = { .row_count = METRIC_LISTENERS * LIMITS,
			       .fill_row = fill_limit,
			       .owner = view };

	if (!is_any(view, &table))
		return;
	memcpy(table.columns, limit_columns, sizeof(table.columns));
	lines_title(view->lines, "LIMITS", "reached: connections refused, or made to wait");
	table_write(&table, view->lines);
}

enum { SOURCE_NET, SOURCE_LISTENER, SOURCE_COUNT };

static const struct column source_columns[TABLE_COLUMNS] = {
	[SOURCE_NET] = { .head = "source", .is_left = true, .min_width = 16 },
	[SOURCE_LISTENER] = { .head = "address", .is_left = true, .min_width = 16, .rank = 1 },
	[SOURCE_COUNT] = { .head = "connections" },
};

static bool fill_source(void *owner, unsigned index, struct cell *cells)
{
	const struct status_view *view = owner;
	struct report_source source;

	if (!report_source(view->report, index, &source))
		return false;
	table_set_text(&cells[SOURCE_NET], STYLE_WARN, source.source);
	table_set_text(&cells[SOURCE_LISTENER], STYLE_PLAIN, source.listen);
	table_set_count(&cells[SOURCE_COUNT], STYLE_PLAIN, source.count);
	return true;
}

void status_limits_write_sources(struct status_view *view)
{
	struct table table = { .row_count = SCOREBOARD_SOURCES,
			       .fill_row = fill_source,
			       .owner = view };

	if (!is_any(view, &table))
		return;
	memcpy(table.columns, source_columns, sizeof(table.columns));
	lines_title(view->lines, "SOURCES", "with max_per_source connections, the fullest first");
	table_write(&table, view->lines);
}
