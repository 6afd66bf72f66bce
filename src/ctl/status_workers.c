/* SPDX-License-Identifier: MIT */
/* The status screen's table of living workers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/format.h"
#include "ctl/status_parts.h"
#include "ctl/table.h"

/* A worker's loop turns each second at the latest. */
enum { SILENT_MS = 3000 };

enum {
	NUMBER,
	SLOT,
	PID,
	STATE,
	LIVE,
	ACCEPTED,
	ACCEPTED_S,
	MESSAGES,
	MESSAGES_S,
	BYTES_IN,
	IN_S,
	BYTES_OUT,
	OUT_S,
	CPU,
	MEMORY,
	RESPAWNS,
	AGE,
	LAST_EXIT
};

static const struct column columns[TABLE_COLUMNS] = {
	[NUMBER] = { .head = "#" },
	[SLOT] = { .head = "slot", .rank = 7 },
	[PID] = { .head = "pid" },
	[STATE] = { .head = "state", .is_left = true },
	[LIVE] = { .head = "conns" },
	[ACCEPTED] = { .head = "accept", .rank = 3 },
	[ACCEPTED_S] = { .head = "acc/s", .rank = 1 },
	[MESSAGES] = { .head = "msgs", .rank = 2 },
	[MESSAGES_S] = { .head = "msg/s", .rank = 1 },
	[BYTES_IN] = { .head = "in", .rank = 9 },
	[IN_S] = { .head = "in/s", .rank = 5 },
	[BYTES_OUT] = { .head = "out", .rank = 9 },
	[OUT_S] = { .head = "out/s", .rank = 5 },
	[CPU] = { .head = "cpu%", .rank = 1 },
	[MEMORY] = { .head = "mem", .rank = 4 },
	[RESPAWNS] = { .head = "resp", .rank = 6 },
	[AGE] = { .head = "age", .rank = 4 },
	[LAST_EXIT] = { .head = "last exit", .is_left = true, .rank = 10, .is_rare = true },
};
static const unsigned only_rates[] = { ACCEPTED_S, MESSAGES_S, IN_S, OUT_S };

/* The living ones, the old ones last, each kind by number. */
struct crowd {
	struct status_view *view;
	struct place {
		bool is_former;
		unsigned number, slot;
	} places[SCOREBOARD_SLOTS];
	const struct table *table;
};

static int by_place(const void *a, const void *b)
{
	const struct place *one = a, *other = b;

	if (one->is_former != other->is_former)
		return one->is_former - other->is_former;
	if (one->number != other->number)
		return one->number < other->number ? -1 : 1;
	return one->slot < other->slot ? -1 : one->slot > other->slot;
}

static void gather(struct crowd *crowd, struct table *table)
{
	const struct report *report = crowd->view->report;
	struct report_worker worker;

	for (unsigned i = 0; i < report->crew->count; i++) {
		unsigned slot = report->crew->slots[i];

		if (report_worker(report, slot, &worker))
			crowd->places[table->most++] =
				(struct place){ worker.is_former, worker.number, slot };
	}
	qsort(crowd->places, table->most, sizeof(crowd->places[0]), by_place);
}

static void fill_state(const struct report *report, const struct report_worker *worker,
		       struct cell *cell)
{
	char age[FORMAT_TEXT];

	table_set_text(cell, worker->state == SLOT_READY ? STYLE_GOOD : STYLE_WARN,
		       report_state_name(worker->state));
	if (!report->is_alive || worker->state == SLOT_STARTING || worker->silent_ms < SILENT_MS)
		return;
	cell->style = STYLE_BAD;
	snprintf(cell->text, sizeof(cell->text), "silent %s",
		 format_age(worker->silent_ms / 1000, age));
}

static void fill_counts(const struct worker_tally *tally, struct cell *cells)
{
	table_set_count(&cells[ACCEPTED], STYLE_PLAIN,
			metric_sum(tally, METRIC_connections_accepted_total));
	table_set_count(&cells[MESSAGES], STYLE_PLAIN, metric_sum(tally, METRIC_messages_total));
	table_set_bytes(&cells[BYTES_IN], metric_sum(tally, METRIC_bytes_in_total));
	table_set_bytes(&cells[BYTES_OUT], metric_sum(tally, METRIC_bytes_out_total));
}

/* Of this process alone: the mean over its life, or with rates the last seconds. */
static void fill_process(const struct status_view *view, const struct report_worker *worker,
			 struct cell *cells)
{
	const struct worker_tally *own = &view->report->board->slots[worker->slot].tally;
	uint64_t cpu_us = cell_get(&own->worker_cpu_seconds_total);
	struct rate rate = { 0 };
	int64_t tenths = -1;

	table_set_bytes(&cells[MEMORY], cell_get(&own->worker_memory_bytes));
	table_set_age(&cells[AGE], worker->age_s);
	if (view->rates == NULL && worker->age_s > 0)
		tenths = (int64_t)(cpu_us / 1000 / (uint64_t)worker->age_s);
	else if (view->rates != NULL && rates_of(view->rates, worker->slot, &rate))
		tenths = rate.cpu_tenths;
	if (tenths < 0)
		table_set_text(&cells[CPU], STYLE_DIM, "-");
	else
		format_percent(tenths, cells[CPU].text);
	if (view->rates == NULL || tenths < 0)
		return;
	table_set_count(&cells[ACCEPTED_S], STYLE_PLAIN, rate.accepted);
	table_set_count(&cells[MESSAGES_S], STYLE_PLAIN, rate.messages);
	table_set_bytes(&cells[IN_S], rate.bytes_in);
	table_set_bytes(&cells[OUT_S], rate.bytes_out);
}

/* Left as it was told to, as in each reload: no news. */
static bool is_clean(const char *last_exit)
{
	static const char clean[] = "exit code 0,";

	return last_exit[0] == '\0' || strncmp(last_exit, clean, sizeof(clean) - 1) == 0;
}

static enum style exit_style(const struct report_worker *worker)
{
	return is_clean(worker->last_exit) ? STYLE_PLAIN : STYLE_WARN;
}

static bool fill_row(void *owner, unsigned index, struct cell *cells)
{
	const struct crowd *crowd = owner;
	const struct status_view *view = crowd->view;
	struct report_worker worker;
	uint64_t respawns;

	if (!report_worker(view->report, crowd->places[index].slot, &worker))
		return false;
	respawns = cell_get(&worker.tally.worker_respawns_total);
	snprintf(cells[NUMBER].text, sizeof(cells[NUMBER].text), "%u", worker.number);
	snprintf(cells[SLOT].text, sizeof(cells[SLOT].text), "%u", worker.slot);
	snprintf(cells[PID].text, sizeof(cells[PID].text), "%u", worker.pid);
	fill_state(view->report, &worker, &cells[STATE]);
	table_set_count(&cells[LIVE], STYLE_PLAIN, worker.live > 0 ? (uint64_t)worker.live : 0);
	fill_counts(worker.is_former ? &view->report->board->slots[worker.slot].tally :
				       &worker.tally,
		    cells);
	fill_process(view, &worker, cells);
	table_set_count(&cells[RESPAWNS], respawns > 0 ? STYLE_WARN : STYLE_PLAIN, respawns);
	if (!worker.is_former)
		table_set_text(&cells[LAST_EXIT], exit_style(&worker), worker.last_exit);
	return true;
}

/* Where there is no column left for it. */
static void show_exit(void *owner, unsigned index, struct screen *screen)
{
	const struct crowd *crowd = owner;
	struct report_worker worker;

	if (crowd->table->widths[LAST_EXIT] > 0 ||
	    !report_worker(crowd->view->report, crowd->places[index].slot, &worker) ||
	    is_clean(worker.last_exit) || worker.is_former)
		return;
	screen_cell(screen, STYLE_PLAIN, "", crowd->table->widths[NUMBER] + 1, true);
	screen_put(screen, STYLE_DIM, "last exit: ");
	screen_put(screen, exit_style(&worker), worker.last_exit);
	screen_end(screen);
}

void status_workers_write(struct status_view *view)
{
	struct table table = { .row = fill_row, .below = show_exit };
	struct crowd crowd = { .view = view, .table = &table };

	table.owner = &crowd;
	for (unsigned c = 0; c < TABLE_COLUMNS; c++)
		table.columns[c] = columns[c];
	for (unsigned i = 0; view->rates == NULL && i < sizeof(only_rates) / sizeof(*only_rates);
	     i++)
		table.columns[only_rates[i]].head = NULL;
	gather(&crowd, &table);
	screen_title(view->screen, "WORKERS",
		     view->rates == NULL ? "cpu%: the mean since each was started" :
					   "cpu%: of the last 5 seconds");
	if (table_show(&table, view->screen) > 0)
		return;
	screen_put(view->screen, STYLE_DIM, "none lives");
	screen_end(view->screen);
}
