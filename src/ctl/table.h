/* SPDX-License-Identifier: MIT */
/*
 * Tables: rows of cells in columns, written to a screen. A table is as wide as its cells are; one
 * that is wider than the screen gets smaller gaps, then shorter texts, then fewer columns. Any
 * process.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdint.h>

#include "ctl/lines.h"

enum { TABLE_COLUMNS = 20, TABLE_TEXT = 192 };

struct column {
	const char *head;   /* NULL: the column is not shown */
	bool is_left;       /* texts are aligned left */
	unsigned min_width; /* its texts may be cut to this width; 0: they are not cut */
	unsigned rank;      /* the column of the highest rank is left out first; 0: never */
	bool is_rare;       /* left out while all its cells are empty */
};

struct cell {
	enum style style;
	char text[TABLE_TEXT];
};

struct table {
	struct column columns[TABLE_COLUMNS]; /* unused ones are zeros */
	unsigned row_count;                   /* rows have the indexes 0 .. row_count - 1 */
	/*
	 * Fills the cells of a row, one for each column, which are empty before; false: this row is
	 * left out.
	 */
	bool (*fill_row)(void *owner, unsigned index, struct cell *cells);
	/* Writes lines below that row; NULL: none. */
	void (*write_below)(void *owner, unsigned index, struct lines *lines);
	void *owner;                    /* the argument of both */
	unsigned widths[TABLE_COLUMNS]; /* set by table_write, for write_below; 0: not shown */
};

/*
 * Writes the table, or nothing when it has no rows, and returns the number of rows. Each row is
 * filled twice, first for the widths.
 */
unsigned table_write(struct table *table, struct lines *lines);

/* Each writes a value to a cell; counts, bytes and ages in the forms of ctl/format.h. */
void table_set_text(struct cell *cell, enum style style, const char *text);
void table_set_number(struct cell *cell, unsigned value); /* all its digits */
void table_set_count(struct cell *cell, enum style style, uint64_t value);
void table_set_bytes(struct cell *cell, uint64_t bytes);
void table_set_age(struct cell *cell, int64_t seconds);

#endif
