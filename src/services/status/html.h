/* SPDX-License-Identifier: MIT */
/*
 * Values, cells and tables of the status page. A table is made from a list of columns; each names
 * the value's place in /status.json for page.js, and the shape in which both write it. So the page
 * is refreshed without a second list, and a cell does not change its form when it is refreshed.
 * Pure; for the status page.
 *
 *   COLUMN(of, title, shape, value)
 *     of     the member of the row's object, or several, separated by blanks
 *     shape  a function html_SHAPE; for page.js a member of its `shapes`, for page.css a class
 *     value  an expression over the variables of the row's function
 */
#ifndef SERVICES_STATUS_HTML_H
#define SERVICES_STATUS_HTML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

struct html_moment {
	int64_t at_s, now_s; /* time(2); at_s 0: never */
};

struct html_share {
	uint64_t value, most;
};

/* The shapes. */
void html_count(struct strbuf *text, uint64_t value);  /* 12,345 */
void html_id(struct strbuf *text, uint64_t value);     /* 12345 */
void html_bytes(struct strbuf *text, uint64_t value);  /* 512 B, 1.5 KiB */
void html_seconds(struct strbuf *text, int64_t value); /* 45s, 3m 20s, 2h 5m, 4d 3h */
void html_latency(struct strbuf *text, int64_t us);    /* 12 us, 1.5 ms, 2.1 s; - when negative */
void html_ratio(struct strbuf *text, uint64_t value);  /* of millionths: 1.02 */
void html_word(struct strbuf *text, const char *word); /* escaped; - when empty */
void html_state(struct strbuf *text,
		const char *word); /* a badge; one of this program's own words, _ as a blank */
void html_ago(struct strbuf *text, struct html_moment moment); /* 3m 20s ago; - for never */
void html_share(struct strbuf *text, struct html_share share); /* 3 of 4 */
void html_meter(struct strbuf *text, struct html_share share); /* the same, with a bar */

struct html_column {
	const char *of, *title, *shape;
};

/* Opens a table; page.js takes its rows from its source of that name. */
void html_table_open(struct strbuf *text, const char *name, const char *caption,
		     const struct html_column *columns, unsigned count);
/* Replaces the rows when there are none. */
void html_table_none(struct strbuf *text, unsigned columns);
void html_table_close(struct strbuf *text);

/* One cell; the first of a row is its header. */
void html_cell_open(struct strbuf *text, bool is_first, const char *shape);
void html_cell_close(struct strbuf *text, bool is_first);

/* One term of a description list. */
void html_fact_open(struct strbuf *text, const struct html_column *fact);
void html_fact_close(struct strbuf *text);

#define HTML_COLUMN(of, title, shape, value) { of, title, #shape },
#define HTML_CELL(of, title, shape, value)      \
	html_cell_open(text, is_first, #shape); \
	html_##shape(text, value);              \
	html_cell_close(text, is_first);        \
	is_first = false;
/* Writes the cell of a value that this row does not have; page.js shows null in the same way. */
#define HTML_NO_VALUE(of, title, shape, value)  \
	html_cell_open(text, is_first, #shape); \
	strbuf_raw(text, "-");                  \
	html_cell_close(text, is_first);        \
	is_first = false;
#define HTML_FACT(of, title, shape, value)                                \
	html_fact_open(text, &(struct html_column){ of, title, #shape }); \
	html_##shape(text, value);                                        \
	html_fact_close(text);

/* Writes a row of the list of columns, in a function that has a struct strbuf *text. */
#define HTML_ROW(columns)                                       \
	do {                                                    \
		bool is_first = true;                           \
		strbuf_raw(text, "<tr>");                       \
		columns(HTML_CELL) strbuf_raw(text, "</tr>\n"); \
	} while (0)

#endif
