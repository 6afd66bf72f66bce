/* SPDX-License-Identifier: MIT */
/* Writes metrics, programs, copies and servers of upstreams as JSON. */
#include "stats/report_json_parts.h"

#include "stats/json.h"

/* Writes null when there are no values. */
static void write_quantile(struct strbuf *text, const char *name, const struct histogram *h,
			   double part)
{
	int64_t us = report_quantile_us(h, part);

	json_key(text, name);
	if (us < 0)
		strbuf_raw(text, "null");
	else
		strbuf_micros(text, (uint64_t)us);
}

static void write_histogram(struct strbuf *text, const struct histogram *h)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		count += cell_get(&h->buckets[i]);
	strbuf_raw(text, "{");
	json_u64(text, "count", count);
	json_key(text, "sum_seconds");
	strbuf_micros(text, cell_get(&h->sum_us));
	write_quantile(text, "p50_seconds", h, 0.5);
	write_quantile(text, "p90_seconds", h, 0.9);
	write_quantile(text, "p99_seconds", h, 0.99);
	strbuf_raw(text, "}");
}

/* Writes the cells as an object, by the values of the row's label. */
static void write_by_label(struct strbuf *text, const struct metric_row *row,
			   const metric_cell *cells)
{
	strbuf_raw(text, "{");
	for (unsigned i = 0; i < row->cells; i++)
		if (metric_label_value(row, i))
			json_u64(text, metric_label_value(row, i), cell_get(&cells[i]));
	strbuf_raw(text, "}");
}

void report_json_metrics(struct strbuf *text, enum metric_scope scope, const void *tally)
{
	for (unsigned m = 0; m < METRIC_COUNT; m++) {
		const struct metric_row *row = &metric_rows[m];
		const metric_cell *cells = metric_cells(row, tally);

		if (row->scope != scope)
			continue;
		if (row->kind == KIND_IS_BY_NAME)
			continue; /* write_named */
		json_key(text, row->name);
		if (row->kind == KIND_IS_HISTOGRAM)
			write_histogram(text, (const struct histogram *)cells);
		else if (metric_label(row))
			write_by_label(text, row, cells);
		else
			report_value(text, row, cell_get(cells));
	}
}

/* Begins an entry of a list, if there is one. */
bool report_json_begin(struct strbuf *text, bool has_before, bool is_there)
{
	if (is_there)
		strbuf_raw(text, has_before ? ",\n{" : "\n{");
	return is_there;
}

void report_json_program(const struct report *report, unsigned index, bool has_before,
			 struct strbuf *text)
{
	struct report_program program;

	if (!report_json_begin(text, has_before, report_program(report, index, &program)))
		return;
	JSON_TEXT(text, "program", program.title);
	json_bool(text, "is_gone", program.is_gone);
	JSON_TEXT(text, "last_exit", program.last_exit);
	report_json_metrics(text, SCOPE_PROGRAM, &program.tally);
	strbuf_raw(text, "}");
}

void report_json_copy(const struct report *report, unsigned index, bool has_before,
		      struct strbuf *text)
{
	struct report_copy copy;

	if (!report_json_begin(text, has_before, report_copy(report, index, &copy)))
		return;
	JSON_TEXT(text, "program", copy.program);
	json_u64(text, "copy", copy.number);
	json_u64(text, "pid", copy.pid);
	json_u64(text, "generation", copy.generation);
	json_string(text, "state", copy.state, 16);
	JSON_TEXT(text, "status", copy.status);
	json_i64(text, "age_seconds", copy.age_s);
	json_u64(text, "restarts", copy.restarts);
	JSON_TEXT(text, "last_exit", copy.last_exit);
	json_key(text, "cpu_seconds");
	strbuf_micros(text, copy.cpu_us);
	json_u64(text, "memory_bytes", copy.memory_bytes);
	strbuf_raw(text, "}");
}

void report_json_server(const struct report *report, unsigned index, bool has_before,
			struct strbuf *text)
{
	struct report_server server;

	if (!report_json_begin(text, has_before, report_server(report, index, &server)))
		return;
	JSON_TEXT(text, "upstream", server.upstream);
	JSON_TEXT(text, "server", server.address);
	json_bool(text, "is_gone", server.is_gone);
	json_bool(text, "backup", server.is_backup);
	json_u64(text, "weight", server.weight);
	json_string(text, "state", server.state, 16);
	json_string(text, "why", server.why, 32);
	json_i64(text, "since_seconds", server.since_s);
	json_u64(text, "addresses", server.names);
	json_i64(text, "unresolved_seconds", server.unresolved_s);
	report_json_metrics(text, SCOPE_UPSTREAM, &server.tally);
	strbuf_raw(text, "}");
}
