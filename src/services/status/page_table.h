/* SPDX-License-Identifier: MIT */
/*
 * The tables of the status page, a file for each kind of rows: their columns, and what writes a
 * row. For the status page.
 */
#ifndef SERVICES_STATUS_PAGE_TABLE_H
#define SERVICES_STATUS_PAGE_TABLE_H

#include "services/status/html.h"
#include "stats/report.h"

struct page_table {
	const char *name, *caption; /* name: its @@name@@ in page.html, its source in page.js */
	const struct html_column *columns;
	unsigned column_count;
	/* Writes what is at that place of the report: nothing, a row, or several. */
	void (*write_row)(const struct report *report, unsigned index, struct strbuf *text);
};

/* Defines page_table_NAME in the file that has row_NAME and the list of columns (html.h). */
#define PAGE_TABLE(name, caption, columns)                                               \
	static const struct html_column columns_##name[] = { columns(HTML_COLUMN) };     \
	const struct page_table page_table_##name = { #name, caption, columns_##name,    \
						      sizeof(columns_##name) /           \
							      sizeof(columns_##name[0]), \
						      row_##name };

extern const struct page_table page_table_marks, page_table_workers, page_table_moves,
	page_table_waits, page_table_stays, page_table_listeners, page_table_limits,
	page_table_sources, page_table_upstreams, page_table_counters, page_table_programs,
	page_table_copies, page_table_crashes, page_table_penalties;

#endif
