/* SPDX-License-Identifier: MIT */
/*
 * Writes the scoreboard in Prometheus' text format 0.0.4: each row of tables/metrics.def is a
 * family, in the order of the table. When a worker dies, its series stay and its counters do not
 * fall.
 */
#include "stats/report.h"
#include "stats/report_metrics_text.h"

#include <stdio.h>

/*
 * A piece has the series of one worker and of so many listeners: of one, where each listener has
 * many.
 */
enum { GROUP_SIZE = 8, GROUPS = METRIC_LISTENERS / GROUP_SIZE };

static unsigned group_size(const struct metric_row *row)
{
	return metric_label(row) ? 1 : GROUP_SIZE;
}

static void write_worker_label(struct strbuf *text, unsigned number)
{
	strbuf_raw(text, "{worker=\"");
	strbuf_u64(text, number);
	strbuf_raw(text, "\"");
}

/* Without the brace at the end. False when there is no such listener. */
static bool write_listener_labels(const struct report *report, struct strbuf *text, unsigned row)
{
	char address[128], service[16];

	if (!report_listener_name(report, row, address, service))
		return false;
	strbuf_raw(text, "listener=\"");
	strbuf_escaped(text, STRBUF_LABEL, address, sizeof(address));
	strbuf_raw(text, "\",service=\"");
	strbuf_escaped(text, STRBUF_LABEL, service, sizeof(service));
	strbuf_raw(text, "\"");
	return true;
}

/* Writes a series of a worker and a listener, or nothing when there is no such listener. */
static void write_worker_listener(const struct report *report, struct strbuf *text,
				  const struct metric_row *row, unsigned number, unsigned listener,
				  const struct worker_tally *tally)
{
	size_t before = text->used;

	metrics_name(text, row);
	write_worker_label(text, number);
	strbuf_raw(text, ",");
	if (write_listener_labels(report, text, listener)) {
		strbuf_raw(text, "}");
		metrics_value(text, row, cell_get(metric_cells(row, &tally->listeners[listener])));
	} else if (!text->is_cut) {
		text->used = before;
	}
}

/* The name of a cell of a row with a label, METRIC_COUNTER_NAME bytes; false: it has none. */
static bool copy_label_value(const struct report *report, const struct metric_row *row,
			     unsigned listener, unsigned cell, char *name)
{
	const char *value;

	if (row->kind == KIND_IS_BY_NAME)
		return report_counter_name(report, listener, cell, name);
	value = metric_label_value(row, cell);
	snprintf(name, METRIC_COUNTER_NAME, "%s", value ? value : "");
	return value && report->board->listeners[listener].life != LISTENER_NEVER;
}

/* Writes a series for each counter of the listener. */
static void write_named(const struct report *report, struct strbuf *text,
			const struct metric_row *row, unsigned number, unsigned listener,
			const struct worker_tally *tally)
{
	const metric_cell *cells = metric_cells(row, &tally->listeners[listener]);
	char name[METRIC_COUNTER_NAME];

	for (unsigned i = 0; i < row->cells; i++) {
		if (!copy_label_value(report, row, listener, i, name))
			continue;
		metrics_name(text, row);
		write_worker_label(text, number);
		strbuf_raw(text, ",");
		(void)write_listener_labels(report, text, listener);
		strbuf_raw(text, ",");
		strbuf_raw(text, metric_label(row));
		strbuf_raw(text, "=\"");
		strbuf_escaped(text, STRBUF_LABEL, name, sizeof(name));
		strbuf_raw(text, "\"}");
		metrics_value(text, row, cell_get(&cells[i]));
	}
}

static bool has_lived(const struct report *report, unsigned number)
{
	struct tally here;

	return report_tally(report, &here)->has_lived[number];
}

static bool has_listeners(const struct report *report, unsigned first, unsigned count)
{
	const struct listener_row *row = &report->board->listeners[first];

	for (unsigned i = 0; i < count; i++)
		if (atomic_load_explicit(&row[i].life, memory_order_relaxed) != LISTENER_NEVER)
			return true;
	return false;
}

static void sum_worker(const struct report *report, unsigned number, struct worker_tally *tally)
{
	struct tally here;

	tally_worker(report_tally(report, &here), report->board, number, tally);
}

/* Piece 0 is the head; then come the groups of each worker. */
static void write_LISTENER(const struct metric_row *row, const struct report *report,
			   unsigned index, struct strbuf *text)
{
	unsigned size = group_size(row), groups = METRIC_LISTENERS / size, number, first;
	struct worker_tally tally;

	if (index == 0) {
		metrics_head(text, row);
		return;
	}
	number = (index - 1) / groups;
	first = (index - 1) % groups * size;
	if (!has_lived(report, number) || !has_listeners(report, first, size))
		return;
	sum_worker(report, number, &tally);
	for (unsigned i = first; i < first + size; i++)
		(metric_label(row) ? write_named : write_worker_listener)(report, text, row, number,
									  i, &tally);
}

/* Writes a series for each value of the row's label. */
static void write_by_label(struct strbuf *text, const struct metric_row *row, unsigned number,
			   const metric_cell *cells)
{
	for (unsigned i = 0; i < row->cells; i++) {
		const char *value = metric_label_value(row, i);

		if (!value)
			continue;
		metrics_name(text, row);
		write_worker_label(text, number);
		strbuf_raw(text, ",");
		strbuf_raw(text, metric_label(row));
		strbuf_raw(text, "=\"");
		strbuf_raw(text, value);
		strbuf_raw(text, "\"}");
		metrics_value(text, row, cell_get(&cells[i]));
	}
}

/* Sums up all workers: by worker there would be a thousand series that no query needs. */
static void write_worker_histogram(const struct metric_row *row, const struct report *report,
				   struct strbuf *text)
{
	struct worker_tally all;
	struct tally here;

	tally_all(report_tally(report, &here), report->board, &all);
	metrics_buckets(text, row, (const struct histogram *)metric_cells(row, &all), NULL, 0,
			HISTOGRAM_BUCKETS);
}

static void write_worker(const struct metric_row *row, const struct report *report, unsigned number,
			 struct strbuf *text)
{
	const metric_cell *cells;
	struct worker_tally tally;

	if (!has_lived(report, number))
		return;
	sum_worker(report, number, &tally);
	cells = metric_cells(row, &tally);
	if (metric_label(row)) {
		write_by_label(text, row, number, cells);
		return;
	}
	metrics_name(text, row);
	write_worker_label(text, number);
	strbuf_raw(text, "}");
	metrics_value(text, row, cell_get(cells));
}

static void write_WORKER(const struct metric_row *row, const struct report *report, unsigned index,
			 struct strbuf *text)
{
	if (index == 0)
		metrics_head(text, row);
	if (row->kind != KIND_IS_HISTOGRAM && index > 0)
		write_worker(row, report, index - 1, text);
	else if (row->kind == KIND_IS_HISTOGRAM && index == 0)
		write_worker_histogram(row, report, text);
}

static bool is_listener_gone(const struct report *report, unsigned listener)
{
	return atomic_load_explicit(&report->board->listeners[listener].life,
				    memory_order_relaxed) == LISTENER_GONE;
}

static void write_QUEUE(const struct metric_row *row, const struct report *report, unsigned index,
			struct strbuf *text)
{
	size_t before = text->used;

	if (index == 0) {
		metrics_head(text, row);
		return;
	}
	if (metrics_is_gauge(row) && is_listener_gone(report, index - 1))
		return;
	metrics_name(text, row);
	strbuf_raw(text, "{");
	if (write_listener_labels(report, text, index - 1)) {
		strbuf_raw(text, "}");
		metrics_value(
			text, row,
			cell_get(metric_cells(row, &report->board->listeners[index - 1].queue)));
	} else if (!text->is_cut) {
		text->used = before;
	}
}

/* A row without a title was never in use. */
static void write_PROGRAM(const struct metric_row *row, const struct report *report, unsigned index,
			  struct strbuf *text)
{
	struct report_program program;

	if (index == 0) {
		metrics_head(text, row);
		return;
	}
	if (!report_program(report, index - 1, &program) ||
	    (program.is_gone && metrics_is_gauge(row)))
		return;
	metrics_name(text, row);
	strbuf_raw(text, "{program=\"");
	strbuf_escaped(text, STRBUF_LABEL, program.title, sizeof(program.title));
	strbuf_raw(text, "\"}");
	metrics_value(text, row, cell_get(metric_cells(row, &program.tally)));
}

#define write_UPSTREAM metrics_server

static void write_SERVER(const struct metric_row *row, const struct report *report, unsigned index,
			 struct strbuf *text)
{
	(void)index;
	metrics_head(text, row);
	metrics_name(text, row);
	metrics_value(text, row, cell_get(metric_cells(row, &report->board->server)));
}

static void write_build_info(const struct report *report, unsigned index, bool has_before,
			     struct strbuf *text)
{
	char origin[sizeof(report->board->origin)], program[sizeof(report->board->program)];

	(void)index;
	(void)has_before;
	report_head(report, origin, program);
	strbuf_raw(text, "# HELP prefork_build_info The version of the server; the value is 1.\n"
			 "# TYPE prefork_build_info gauge\n"
			 "prefork_build_info{version=\"");
	strbuf_escaped(text, STRBUF_LABEL, program, sizeof(program));
	strbuf_raw(text, "\"} 1\n");
}

/* Each row has its own function, because a piece gets its index, not its row. */
#define METRIC(scope, kind, unit, name, sentence)                                              \
	static void write_##name(const struct report *report, unsigned index, bool has_before, \
				 struct strbuf *text)                                          \
	{                                                                                      \
		(void)has_before;                                                              \
		write_##scope(&metric_rows[METRIC_##name], report, index, text);               \
	}
#include "tables/metrics.def"

/* Pieces for each worker, by scope and, of LISTENER, by kind. */
#define OF_LISTENER(kind) GROUPS_##kind
#define OF_WORKER(kind)   1
#define OF_QUEUE(kind)    0
#define OF_PROGRAM(kind)  0
#define OF_UPSTREAM(kind) 0
#define OF_SERVER(kind)   0
enum {
	GROUPS_COUNTER = GROUPS,
	GROUPS_GAUGE = GROUPS,
	GROUPS_BY_NAME = METRIC_LISTENERS,
	GROUPS_BY_LIMIT = METRIC_LISTENERS,
	GROUPS_BY_CLASS = METRIC_LISTENERS
};

/* Pieces of a server, by kind. */
enum { PIECES_COUNTER = 1, PIECES_GAUGE = 1, PIECES_HISTOGRAM = METRICS_BUCKET_GROUPS };

#define MOST_LISTENER(kind) (1 + SCOREBOARD_WORKERS * OF_LISTENER(kind))
#define MOST_WORKER(kind)   (1 + SCOREBOARD_WORKERS * OF_WORKER(kind))
#define MOST_QUEUE(kind)    (1 + METRIC_LISTENERS)
#define MOST_PROGRAM(kind)  (1 + SCOREBOARD_PROGRAMS)
#define MOST_UPSTREAM(kind) (1 + SCOREBOARD_SERVERS * PIECES_##kind)
#define MOST_SERVER(kind)   1

const struct piece report_metrics[] = {
	{ .most = 1, .write = write_build_info },
#define METRIC(scope, kind, unit, name, sentence) \
	{ MOST_##scope(kind), write_##name, OF_##scope(kind) },
#include "tables/metrics.def"
};
const unsigned report_metrics_count = sizeof(report_metrics) / sizeof(*report_metrics);
