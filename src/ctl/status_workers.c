/* SPDX-License-Identifier: MIT */
/*
 * The workers on the status screen: the living ones, the connections of draining ones, and the last
 * crashes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/format.h"
#include "ctl/status_screen.h"
#include "ctl/table.h"

/* The loop of a worker turns at least once a second. */
enum { SILENT_MS = 3000 };

enum {
	WORKER_NUMBER,
	WORKER_SLOT,
	WORKER_PID,
	WORKER_STATE,
	WORKER_LIVE,
	WORKER_ACCEPTED,
	WORKER_ACCEPTED_S,
	WORKER_MOVED,
	WORKER_MESSAGES,
	WORKER_MESSAGES_S,
	WORKER_BYTES_IN,
	WORKER_IN_S,
	WORKER_BYTES_OUT,
	WORKER_OUT_S,
	WORKER_CPU,
	WORKER_MEMORY,
	WORKER_RESPAWNS,
	WORKER_AGE,
	WORKER_LAST_EXIT
};

static const struct column worker_columns[TABLE_COLUMNS] = {
	[WORKER_NUMBER] = { .head = "#" },
	[WORKER_SLOT] = { .head = "slot", .rank = 7 },
	[WORKER_PID] = { .head = "pid" },
	[WORKER_STATE] = { .head = "state", .is_left = true },
	[WORKER_LIVE] = { .head = "conns" },
	[WORKER_ACCEPTED] = { .head = "accept", .rank = 3 },
	[WORKER_ACCEPTED_S] = { .head = "acc/s", .rank = 1 },
	[WORKER_MOVED] = { .head = "moved", .rank = 8, .is_rare = true },
	[WORKER_MESSAGES] = { .head = "msgs", .rank = 2 },
	[WORKER_MESSAGES_S] = { .head = "msg/s", .rank = 1 },
	[WORKER_BYTES_IN] = { .head = "in", .rank = 9 },
	[WORKER_IN_S] = { .head = "in/s", .rank = 5 },
	[WORKER_BYTES_OUT] = { .head = "out", .rank = 9 },
	[WORKER_OUT_S] = { .head = "out/s", .rank = 5 },
	[WORKER_CPU] = { .head = "cpu%", .rank = 1 },
	[WORKER_MEMORY] = { .head = "mem", .rank = 4 },
	[WORKER_RESPAWNS] = { .head = "resp", .rank = 6 },
	[WORKER_AGE] = { .head = "age", .rank = 4 },
	[WORKER_LAST_EXIT] = { .head = "last exit", .is_left = true, .rank = 10, .is_rare = true },
};
static const unsigned rate_columns[] = { WORKER_ACCEPTED_S, WORKER_MESSAGES_S, WORKER_IN_S,
					 WORKER_OUT_S };

/* The living workers by number, those of former generations last. */
struct worker_list {
	struct status_view *view;
	struct place {
		bool is_former;
		unsigned number, slot;
	} places[SCOREBOARD_SLOTS];
	const struct table *table;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *one = a, *other = b;

	if (one->is_former != other->is_former)
		return one->is_former - other->is_former;
	if (one->number != other->number)
		return one->number < other->number ? -1 : 1;
	return one->slot < other->slot ? -1 : one->slot > other->slot;
}

static void sort_workers(struct worker_list *list, struct table *table)
{
	const struct report *report = list->view->report;
	struct report_worker worker;

	for (unsigned i = 0; i < report->tally->count; i++) {
		unsigned slot = report->tally->slots[i];

		if (report_worker(report, slot, &worker))
			list->places[table->row_count++] =
				(struct place){ worker.is_former, worker.number, slot };
	}
	qsort(list->places, table->row_count, sizeof(list->places[0]), compare_places);
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

/* Connections taken over from other workers, and handed to them. */
static void fill_moved(const struct worker_tally *tally, struct cell *cell)
{
	uint64_t in = metric_sum(tally, METRIC_connections_moved_in_total);
	uint64_t out = metric_sum(tally, METRIC_connections_moved_out_total);
	char in_text[FORMAT_TEXT], out_text[FORMAT_TEXT];

	if (in > 0 || out > 0)
		snprintf(cell->text, sizeof(cell->text), "+%s -%s", format_count(in, in_text),
			 format_count(out, out_text));
}

static void fill_counts(const struct worker_tally *tally, struct cell *cells)
{
	table_set_count(&cells[WORKER_ACCEPTED], STYLE_PLAIN,
			metric_sum(tally, METRIC_connections_accepted_total));
	fill_moved(tally, &cells[WORKER_MOVED]);
	table_set_count(&cells[WORKER_MESSAGES], STYLE_PLAIN,
			metric_sum(tally, METRIC_messages_total));
	table_set_bytes(&cells[WORKER_BYTES_IN], metric_sum(tally, METRIC_bytes_in_total));
	table_set_bytes(&cells[WORKER_BYTES_OUT], metric_sum(tally, METRIC_bytes_out_total));
}

/*
 * Fills in this process's own figures. CPU: the mean over its life, or with rates of the last
 * seconds.
 */
static void fill_process(const struct status_view *view, const struct report_worker *worker,
			 struct cell *cells)
{
	const struct worker_tally *own = &view->report->board->slots[worker->slot].tally;
	uint64_t cpu_us = cell_get(&own->worker_cpu_seconds_total);
	struct rate rate = { 0 };
	int64_t tenths = -1;

	table_set_bytes(&cells[WORKER_MEMORY], cell_get(&own->worker_memory_bytes));
	table_set_age(&cells[WORKER_AGE], worker->age_s);
	if (view->samples == NULL && worker->age_s > 0)
		tenths = (int64_t)(cpu_us / 1000 / (uint64_t)worker->age_s);
	else if (view->samples != NULL && snapshot_rate(view->samples, worker->slot, &rate))
		tenths = rate.cpu_tenths;
	if (tenths < 0)
		table_set_text(&cells[WORKER_CPU], STYLE_DIM, "-");
	else
		format_percent(tenths, cells[WORKER_CPU].text);
	if (view->samples == NULL || tenths < 0)
		return;
	table_set_count(&cells[WORKER_ACCEPTED_S], STYLE_PLAIN, rate.accepted);
	table_set_count(&cells[WORKER_MESSAGES_S], STYLE_PLAIN, rate.messages);
	table_set_bytes(&cells[WORKER_IN_S], rate.bytes_in);
	table_set_bytes(&cells[WORKER_OUT_S], rate.bytes_out);
}

/* A clean exit, as at each reload, is no warning. */
static bool is_clean_exit(const char *last_exit)
{
	static const char clean[] = "exit code 0,";

	return last_exit[0] == '\0' || strncmp(last_exit, clean, sizeof(clean) - 1) == 0;
}

static enum style exit_style(const struct report_worker *worker)
{
	return is_clean_exit(worker->last_exit) ? STYLE_PLAIN : STYLE_WARN;
}

static bool fill_worker(void *owner, unsigned index, struct cell *cells)
{
	const struct worker_list *list = owner;
	const struct status_view *view = list->view;
	struct report_worker worker;
	uint64_t respawns;

	if (!report_worker(view->report, list->places[index].slot, &worker))
		return false;
	respawns = cell_get(&worker.tally.worker_respawns_total);
	table_set_number(&cells[WORKER_NUMBER], worker.number);
	table_set_number(&cells[WORKER_SLOT], worker.slot);
	table_set_number(&cells[WORKER_PID], worker.pid);
	fill_state(view->report, &worker, &cells[WORKER_STATE]);
	table_set_count(&cells[WORKER_LIVE], STYLE_PLAIN,
			worker.live > 0 ? (uint64_t)worker.live : 0);
	fill_counts(worker.is_former ? &view->report->board->slots[worker.slot].tally :
				       &worker.tally,
		    cells);
	fill_process(view, &worker, cells);
	table_set_count(&cells[WORKER_RESPAWNS], respawns > 0 ? STYLE_WARN : STYLE_PLAIN, respawns);
	if (!worker.is_former)
		table_set_text(&cells[WORKER_LAST_EXIT], exit_style(&worker), worker.last_exit);
	return true;
}

/* Writes the last exit in a line of its own when its column was left out. */
static void write_last_exit(void *owner, unsigned index, struct lines *lines)
{
	const struct worker_list *list = owner;
	struct report_worker worker;

	if (list->table->widths[WORKER_LAST_EXIT] > 0 ||
	    !report_worker(list->view->report, list->places[index].slot, &worker) ||
	    is_clean_exit(worker.last_exit) || worker.is_former)
		return;
	lines_put_cell(lines, STYLE_PLAIN, "", list->table->widths[WORKER_NUMBER] + 1, true);
	lines_put(lines, STYLE_DIM, "last exit: ");
	lines_put(lines, exit_style(&worker), worker.last_exit);
	lines_end_line(lines);
}

void status_workers_write(struct status_view *view)
{
	struct table table = { .fill_row = fill_worker, .write_below = write_last_exit };
	struct worker_list list = { .view = view, .table = &table };

	table.owner = &list;
	memcpy(table.columns, worker_columns, sizeof(table.columns));
	for (unsigned i = 0;
	     view->samples == NULL && i < sizeof(rate_columns) / sizeof(*rate_columns); i++)
		table.columns[rate_columns[i]].head = NULL;
	sort_workers(&list, &table);
	lines_title(view->lines, "WORKERS",
		    view->samples == NULL ? "cpu%: the mean since each was started" :
					    "cpu%: of the last 5 seconds");
	if (table_write(&table, view->lines) > 0)
		return;
	lines_put(view->lines, STYLE_DIM, "none lives");
	lines_end_line(view->lines);
}

enum {
	CONN_REMOTE,
	CONN_LISTEN,
	CONN_SERVICE,
	CONN_STATE,
	CONN_AGE,
	CONN_IDLE,
	CONN_BYTES_IN,
	CONN_BYTES_OUT
};

static const struct column conn_columns[TABLE_COLUMNS] = {
	[CONN_REMOTE] = { .head = "  remote", .is_left = true, .min_width = 20 },
	[CONN_LISTEN] = { .head = "listener", .is_left = true, .min_width = 12, .rank = 3 },
	[CONN_SERVICE] = { .head = "service", .is_left = true },
	[CONN_STATE] = { .head = "state", .is_left = true },
	[CONN_AGE] = { .head = "age" },
	[CONN_IDLE] = { .head = "idle" },
	[CONN_BYTES_IN] = { .head = "in", .rank = 1 },
	[CONN_BYTES_OUT] = { .head = "out", .rank = 2 },
};

static bool fill_conn(void *owner, unsigned index, struct cell *cells)
{
	const struct report_conn *conn = (const struct report_conn *)owner + index;

	snprintf(cells[CONN_REMOTE].text, sizeof(cells[CONN_REMOTE].text), "  %s", conn->remote);
	table_set_text(&cells[CONN_LISTEN], STYLE_PLAIN, conn->listen);
	table_set_text(&cells[CONN_SERVICE], STYLE_PLAIN, conn->service);
	table_set_text(&cells[CONN_STATE], STYLE_PLAIN, conn->state);
	table_set_age(&cells[CONN_AGE], conn->age_ms / 1000);
	table_set_age(&cells[CONN_IDLE], conn->idle_ms / 1000);
	table_set_bytes(&cells[CONN_BYTES_IN], conn->bytes_in);
	table_set_bytes(&cells[CONN_BYTES_OUT], conn->bytes_out);
	return true;
}

static void write_draining_worker(struct status_view *view, const struct report_worker *worker)
{
	struct report_conn conns[SLOT_NOTES];
	unsigned count = report_conns(view->report, worker->slot, conns, SLOT_NOTES);
	struct table table = { .row_count = count, .fill_row = fill_conn, .owner = conns };
	char stays[REPORT_STAYS];

	memcpy(table.columns, conn_columns, sizeof(table.columns));
	report_stay_list(view->report, worker->slot, stays);
	lines_printf(view->lines, STYLE_WARN,
		     "worker %u, slot %u, pid %u: %" PRId64 " connection%s", worker->number,
		     worker->slot, worker->pid, worker->live, worker->live == 1 ? "" : "s");
	lines_printf(view->lines, STYLE_PLAIN, "%s%s", stays[0] != '\0' ? "; could not move: " : "",
		     stays);
	lines_end_line(view->lines);
	table_write(&table, view->lines);
	if (worker->live <= (int64_t)count)
		return;
	lines_printf(view->lines, STYLE_DIM, "  and %" PRId64 " more",
		     worker->live - (int64_t)count);
	lines_end_line(view->lines);
}

void status_workers_write_draining(struct status_view *view)
{
	struct report_worker worker;
	bool has_title = false;

	for (unsigned i = 0; i < view->report->tally->count; i++) {
		if (!report_worker(view->report, view->report->tally->slots[i], &worker) ||
		    worker.state != SLOT_DRAINING)
			continue;
		if (!has_title)
			lines_title(view->lines, "DRAINING",
				    "told to leave; what each still waits for, the oldest first");
		has_title = true;
		write_draining_worker(view, &worker);
	}
}

enum {
	CRASH_WHEN,
	CRASH_WORKER,
	CRASH_PID,
	CRASH_WHAT,
	CRASH_SERVICE,
	CRASH_REMOTE,
	CRASH_STATE,
	CRASH_CALL,
	CRASH_AGE
};

static const struct column crash_columns[TABLE_COLUMNS] = {
	[CRASH_WHEN] = { .head = "ago" },
	[CRASH_WORKER] = { .head = "worker" },
	[CRASH_PID] = { .head = "pid", .rank = 5 },
	[CRASH_WHAT] = { .head = "died of", .is_left = true },
	[CRASH_SERVICE] = { .head = "service", .is_left = true, .rank = 1 },
	[CRASH_REMOTE] = { .head = "in hand", .is_left = true, .min_width = 21 },
	[CRASH_STATE] = { .head = "state", .is_left = true, .rank = 3 },
	[CRASH_CALL] = { .head = "last call", .is_left = true, .rank = 2 },
	[CRASH_AGE] = { .head = "its age", .rank = 4 },
};

static bool fill_crash(void *owner, unsigned index, struct cell *cells)
{
	const struct status_view *view = owner;
	struct crash_note note;
	char cause[16];

	if (!report_crash(view->report, index, &note))
		return false;
	table_set_age(&cells[CRASH_WHEN], report_since(view->report->now_s, note.at_s));
	table_set_number(&cells[CRASH_WORKER], note.worker);
	table_set_number(&cells[CRASH_PID], note.pid);
	table_set_text(&cells[CRASH_WHAT], STYLE_BAD, report_cause(&note, cause));
	table_set_text(&cells[CRASH_CALL], STYLE_PLAIN, note.last_call);
	if (note.remote[0] == '\0') {
		table_set_text(&cells[CRASH_REMOTE], STYLE_DIM, "none");
		return true;
	}
	table_set_text(&cells[CRASH_SERVICE], STYLE_PLAIN, note.service);
	table_set_text(&cells[CRASH_REMOTE], STYLE_PLAIN, note.remote);
	table_set_text(&cells[CRASH_STATE], STYLE_PLAIN, note.state);
	table_set_age(&cells[CRASH_AGE], note.age_ms / 1000);
	return true;
}

void status_workers_write_crashes(struct status_view *view)
{
	uint32_t count =
		atomic_load_explicit(&view->report->board->crash_count, memory_order_relaxed);
	struct table table = { .row_count = SCOREBOARD_CRASHES,
			       .fill_row = fill_crash,
			       .owner = view };
	struct crash_note last;

	if (!report_crash(view->report, 0, &last))
		return;
	memcpy(table.columns, crash_columns, sizeof(table.columns));
	lines_title(view->lines, "CRASHES",
		    count >= SCOREBOARD_CRASHES ? "the last ones, the newest first" :
						  "the newest first");
	table_write(&table, view->lines);
}
