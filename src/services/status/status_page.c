/* SPDX-License-Identifier: MIT */
/*
 * The status page: the order of all its parts. Its tables are in the files page_*.c, and the files
 * in src/services/status/page determine its looks and its refresh. The status service calls the
 * pieces.
 */
#include "services/status/status_page.h"

#include "services/status/page_table.h"
#include "services/status/status_facts.h"

enum { SLICE = 4096, SLICES = 12, MARKS_SHOWN = 8 };

/* The parameters of a piece's function. */
#define PIECE const struct report *report, unsigned index, bool has_before, struct strbuf *text

static void put_slice(const struct page_text *part, unsigned index, struct strbuf *text)
{
	size_t at = (size_t)index * SLICE;

	if (at < part->length)
		strbuf_put(text, part->bytes + at,
			   part->length - at < SLICE ? part->length - at : SLICE);
}

/* TABLE(part, most): in the order of the page, made of at most `most` rows of the report. */
#define TABLES(TABLE)                                   \
	TABLE(marks, MARKS_SHOWN)                       \
	TABLE(workers, SCOREBOARD_SLOTS)                \
	TABLE(moves, SCOREBOARD_SLOTS)                  \
	TABLE(waits, SCOREBOARD_SLOTS)                  \
	TABLE(stays, SCOREBOARD_SLOTS)                  \
	TABLE(listeners, METRIC_LISTENERS)              \
	TABLE(limits, METRIC_LISTENERS *LIMITS)         \
	TABLE(sources, SCOREBOARD_SOURCES)              \
	TABLE(upstreams, SCOREBOARD_SERVERS)            \
	TABLE(counters, METRIC_LISTENERS *METRIC_NAMED) \
	TABLE(programs, SCOREBOARD_PROGRAMS)            \
	TABLE(copies, SCOREBOARD_COPIES)                \
	TABLE(crashes, SCOREBOARD_CRASHES)              \
	TABLE(penalties, BAN_PLACES)

/* The piece behind the last row writes "None" if there was none. */
#define TABLE_PIECES(part, most)                                                   \
	static void open_##part(PIECE)                                             \
	{                                                                          \
		const struct page_table *table = &page_table_##part;               \
                                                                                   \
		(void)report;                                                      \
		(void)index;                                                       \
		(void)has_before;                                                  \
		html_table_open(text, table->name, table->caption, table->columns, \
				table->column_count);                              \
	}                                                                          \
	static void rows_##part(PIECE)                                             \
	{                                                                          \
		if (index < (most))                                                \
			page_table_##part.write_row(report, index, text);          \
		else if (!has_before)                                              \
			html_table_none(text, page_table_##part.column_count);     \
	}                                                                          \
	static void after_##part(PIECE)                                            \
	{                                                                          \
		(void)report;                                                      \
		(void)has_before;                                                  \
		if (index == 0)                                                    \
			html_table_close(text);                                    \
		else                                                               \
			put_slice(&page_after_##part, index - 1, text);            \
	}

TABLES(TABLE_PIECES)

#define FIXED(name)                                   \
	static void fixed_##name(PIECE)               \
	{                                             \
		(void)report;                         \
		(void)has_before;                     \
		put_slice(&page_##name, index, text); \
	}

FIXED(top)
FIXED(after_facts)
FIXED(after_setup)

#define TABLE_ROWS(name, rows)                                                             \
	{ .most = 1, .write = open_##name }, { .most = (rows) + 1, .write = rows_##name }, \
		{ .most = SLICES + 1, .write = after_##name },

const struct piece status_page[] = {
	{ .most = SLICES, .write = fixed_top },
	{ .most = 1, .write = status_facts_now },
	{ .most = SLICES, .write = fixed_after_facts },
	TABLES(TABLE_ROWS){ .most = 1, .write = status_facts_setup },
	{ .most = SLICES, .write = fixed_after_setup },
};
const unsigned status_page_count = sizeof(status_page) / sizeof(status_page[0]);
