/* SPDX-License-Identifier: MIT */
/* The parts of a family of metrics. Only for stats/report_metrics.c. */
#ifndef STATS_REPORT_METRICS_TEXT_H
#define STATS_REPORT_METRICS_TEXT_H

#include "stats/report.h"

/* A piece has so many buckets of a server, whose labels may be long; the last has the sums. */
enum {
	METRICS_BUCKETS = 9,
	METRICS_BUCKET_GROUPS = (HISTOGRAM_BUCKETS + METRICS_BUCKETS - 1) / METRICS_BUCKETS
};

/* The lines HELP and TYPE; the name; a value with the end of its line. */
void metrics_head(struct strbuf *text, const struct metric_row *row);
void metrics_name(struct strbuf *text, const struct metric_row *row);
void metrics_value(struct strbuf *text, const struct metric_row *row, uint64_t value);

/* A gauge tells of now: what is gone has none. */
bool metrics_is_gauge(const struct metric_row *row);

/*
 * The buckets from `first` on, at most `most` of them, and behind the last one the sums; server
 * NULL: the labels name none.
 */
void metrics_buckets(struct strbuf *text, const struct metric_row *row, const struct histogram *h,
		     const struct report_server *server, unsigned first, unsigned most);

/* The piece of that index of a row of scope UPSTREAM: the head, then those of each server. */
void metrics_server(const struct metric_row *row, const struct report *report, unsigned index,
		    struct strbuf *text);

#endif
