/* SPDX-License-Identifier: MIT */
/* Writes the lines of a family in the text format, and all of a server of an upstream. */
#include "stats/report_metrics_text.h"

void metrics_head(struct strbuf *text, const struct metric_row *row)
{
	strbuf_raw(text, "# HELP prefork_");
	strbuf_raw(text, row->name);
	strbuf_raw(text, " ");
	strbuf_raw(text, row->sentence);
	strbuf_raw(text, "\n# TYPE prefork_");
	strbuf_raw(text, row->name);
	strbuf_raw(text, " ");
	strbuf_raw(text, metric_type(row));
	strbuf_raw(text, "\n");
}

void metrics_name(struct strbuf *text, const struct metric_row *row)
{
	strbuf_raw(text, "prefork_");
	strbuf_raw(text, row->name);
}

void metrics_value(struct strbuf *text, const struct metric_row *row, uint64_t value)
{
	strbuf_raw(text, " ");
	report_value(text, row, value);
	strbuf_raw(text, "\n");
}

/* Without the braces. */
static void write_server_labels(struct strbuf *text, const struct report_server *server)
{
	strbuf_raw(text, "upstream=\"");
	strbuf_escaped(text, STRBUF_LABEL, server->upstream, sizeof(server->upstream));
	strbuf_raw(text, "\",server=\"");
	strbuf_escaped(text, STRBUF_LABEL, server->address, sizeof(server->address));
	strbuf_raw(text, "\"");
}

/* Begins a line of a histogram, up to its labels. */
static void begin_line(struct strbuf *text, const struct metric_row *row, const char *suffix,
		       const struct report_server *server)
{
	metrics_name(text, row);
	strbuf_raw(text, suffix);
	if (!server)
		return;
	strbuf_raw(text, "{");
	write_server_labels(text, server);
	strbuf_raw(text, "}");
}

static void write_bucket(struct strbuf *text, const struct metric_row *row, unsigned bucket,
			 uint64_t count, const struct report_server *server)
{
	metrics_name(text, row);
	strbuf_raw(text, "_bucket{");
	if (server) {
		write_server_labels(text, server);
		strbuf_raw(text, ",");
	}
	strbuf_raw(text, "le=\"");
	if (bucket == HISTOGRAM_BUCKETS - 1)
		strbuf_raw(text, "+Inf");
	else
		strbuf_micros(text, histogram_bound_us(bucket));
	strbuf_raw(text, "\"} ");
	strbuf_u64(text, count);
	strbuf_raw(text, "\n");
}

/* Writes the buckets from `first` on, at most `most` of them, and behind the last one the sums. */
void metrics_buckets(struct strbuf *text, const struct metric_row *row, const struct histogram *h,
		     const struct report_server *server, unsigned first, unsigned most)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS && i < first + most; i++) {
		count += cell_get(&h->buckets[i]);
		if (i >= first)
			write_bucket(text, row, i, count, server);
	}
	if (first + most < HISTOGRAM_BUCKETS)
		return;
	begin_line(text, row, "_sum", server);
	metrics_value(text, row, cell_get(&h->sum_us));
	begin_line(text, row, "_count", server);
	strbuf_raw(text, " ");
	strbuf_u64(text, count);
	strbuf_raw(text, "\n");
}

bool metrics_is_gauge(const struct metric_row *row)
{
	return row->kind == KIND_IS_GAUGE;
}

static unsigned server_pieces(const struct metric_row *row)
{
	return row->kind == KIND_IS_HISTOGRAM ? METRICS_BUCKET_GROUPS : 1;
}

void metrics_server(const struct metric_row *row, const struct report *report, unsigned index,
		    struct strbuf *text)
{
	unsigned pieces = server_pieces(row), piece = (index - 1) % pieces;
	struct report_server server;
	const metric_cell *cells;

	if (index == 0) {
		metrics_head(text, row);
		return;
	}
	if (!report_server(report, (index - 1) / pieces, &server) ||
	    (server.is_gone && metrics_is_gauge(row)))
		return;
	cells = metric_cells(row, &server.tally);
	if (row->kind == KIND_IS_HISTOGRAM) {
		metrics_buckets(text, row, (const struct histogram *)cells, &server,
				piece * METRICS_BUCKETS, METRICS_BUCKETS);
		return;
	}
	begin_line(text, row, "", &server);
	metrics_value(text, row, cell_get(cells));
}
