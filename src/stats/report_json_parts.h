/* SPDX-License-Identifier: MIT */
/*
 * Parts of the JSON report: the metrics of one scope, and entries of its lists. Only for
 * stats/report_json.c and the files beside it.
 */
#ifndef STATS_REPORT_JSON_PARTS_H
#define STATS_REPORT_JSON_PARTS_H

#include "stats/report.h"

/* Writes every metric of the scope; tally: the struct of that scope. */
void report_json_metrics(struct strbuf *text, enum metric_scope scope, const void *tally);

/* Begins an entry of a list, unless it is not there; returns is_there. */
bool report_json_begin(struct strbuf *text, bool has_before, bool is_there);

/* The entries of those rows, as pieces. */
void report_json_program(const struct report *report, unsigned index, bool has_before,
			 struct strbuf *text);
void report_json_copy(const struct report *report, unsigned index, bool has_before,
		      struct strbuf *text);
void report_json_server(const struct report *report, unsigned index, bool has_before,
			struct strbuf *text);

#endif
