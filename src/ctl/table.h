/* SPDX-License-Identifier: MIT */
/*
 * A table on a screen: as wide as what stands in it, and where that is too wide, closer together,
 * with texts cut, and at last without its least important columns. Any process.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdint.h>

#include "ctl/screen.h"

enum { TABLE_COLUMNS = 20, TABLE_TEXT = 192 };

struct column {
	const char *head; /* NULL: the table is without it */
	bool is_left;
	unsigned least; /* columns that it may be cut to; 0: is not cut */
	unsigned rank;  /* the highest is left out first; 0: never is */
	bool is_rare;   /* left out while nothing stands in it */
};

struct cell {
	enum style style;
	char text[TABLE_TEXT];
};

struct table {
	struct column columns[TABLE_COLUMNS]; /* ended by the array or by a row of zeros */
	unsigned most;                        /* rows: indexes 0 .. most - 1 */
	/*
	 * Fills the cells of a row, which are empty, one for each column; false: there is no such
	 * row.
	 */
	bool (*row)(void *owner, unsigned index, struct cell *cells);
	/* Adds lines below that row; NULL: none. */
	void (*below)(void *owner, unsigned index, struct screen *screen);
	void *owner;
	unsigned widths[TABLE_COLUMNS]; /* 0: not shown. table.c's own, below may look */
};

/*
 * Writes the table; nothing when it has no rows. Asks twice for each row. Returns how many it has.
 */
unsigned table_show(struct table *table, struct screen *screen);

/* Each writes a value into a cell; numbers as ctl/format.h has them. */
void table_set_text(struct cell *cell, enum style style, const char *text);
void table_set_number(struct cell *cell, unsigned value); /* all its digits */
void table_set_count(struct cell *cell, enum style style, uint64_t value);
void table_set_bytes(struct cell *cell, uint64_t bytes);
void table_set_age(struct cell *cell, int64_t seconds);

#endif
