/* SPDX-License-Identifier: MIT */
/*
 * Lays out tables: measures every row, fits the widths of the columns to the screen, then writes.
 * Must not depend on the meaning of the cells.
 */
#include "ctl/table.h"

#include <string.h>

#include "ctl/format.h"

/* Fills the cells of a row after clearing them; false: the row is left out. */
static bool fill_cells(const struct table *table, unsigned index, struct cell *cells)
{
	memset(cells, 0, TABLE_COLUMNS * sizeof(*cells));
	return table->fill_row(table->owner, index, cells);
}

static void measure_heads(struct table *table, const struct lines *lines)
{
	for (unsigned c = 0; c < TABLE_COLUMNS; c++) {
		const struct column *column = &table->columns[c];
		unsigned width = column->head != NULL ? lines_text_width(lines, column->head) : 0;

		if (column->is_rare && table->widths[c] == 0)
			continue;
		if (table->widths[c] < width)
			table->widths[c] = width;
	}
}

static unsigned measure_columns(struct table *table, const struct lines *lines)
{
	struct cell cells[TABLE_COLUMNS];
	unsigned rows = 0;

	memset(table->widths, 0, sizeof(table->widths));
	for (unsigned i = 0; i < table->row_count; i++) {
		if (!fill_cells(table, i, cells))
			continue;
		rows++;
		for (unsigned c = 0; c < TABLE_COLUMNS; c++) {
			unsigned width = lines_text_width(lines, cells[c].text);

			if (table->columns[c].head != NULL && width > table->widths[c])
				table->widths[c] = width;
		}
	}
	measure_heads(table, lines);
	return rows;
}

static unsigned total_width(const struct table *table, unsigned gap)
{
	unsigned width = 0;

	for (unsigned c = 0; c < TABLE_COLUMNS; c++)
		if (table->widths[c] > 0)
			width += (width > 0 ? gap : 0) + table->widths[c];
	return width;
}

/* Narrows the widest column that may be narrowed, by one; false when there is none. */
static bool narrow_column(struct table *table)
{
	unsigned widest = TABLE_COLUMNS;

	for (unsigned c = 0; c < TABLE_COLUMNS; c++) {
		const struct column *column = &table->columns[c];

		if (column->min_width == 0 || table->widths[c] <= column->min_width)
			continue;
		if (widest == TABLE_COLUMNS || table->widths[c] > table->widths[widest])
			widest = c;
	}
	if (widest < TABLE_COLUMNS)
		table->widths[widest]--;
	return widest < TABLE_COLUMNS;
}

/* Leaves out the column of the highest rank; false when there is none. */
static bool drop_column(struct table *table)
{
	unsigned least = TABLE_COLUMNS;

	for (unsigned c = 0; c < TABLE_COLUMNS; c++) {
		if (table->widths[c] == 0 || table->columns[c].rank == 0)
			continue;
		if (least == TABLE_COLUMNS || table->columns[c].rank > table->columns[least].rank)
			least = c;
	}
	if (least < TABLE_COLUMNS)
		table->widths[least] = 0;
	return least < TABLE_COLUMNS;
}

/*
 * Texts are cut only where that makes all remaining columns fit; else another column is left out
 * first. Returns the gap between columns.
 */
static unsigned fit_columns(struct table *table, unsigned width)
{
	unsigned natural[TABLE_COLUMNS];

	if (total_width(table, 2) <= width)
		return 2;
	for (;;) {
		memcpy(natural, table->widths, sizeof(natural));
		while (total_width(table, 1) > width && narrow_column(table))
			;
		if (total_width(table, 1) <= width)
			return 1;
		memcpy(table->widths, natural, sizeof(natural));
		if (!drop_column(table))
			return 1;
	}
}

static const char *cell_text(const struct table *table, const struct cell *cells, unsigned column)
{
	return cells != NULL ? cells[column].text : table->columns[column].head;
}

/* Returns the number of columns up to the last one of the row that is not empty. */
static unsigned count_used(const struct table *table, const struct cell *cells)
{
	unsigned end = 0;

	for (unsigned c = 0; c < TABLE_COLUMNS; c++)
		if (table->widths[c] > 0 && cell_text(table, cells, c)[0] != '\0')
			end = c + 1;
	return end;
}

/* cells NULL: the heads. No blanks are written after the last text of a row. */
static void write_row(const struct table *table, struct lines *lines, const struct cell *cells,
		      unsigned gap)
{
	unsigned end = count_used(table, cells);
	bool is_first = true;

	for (unsigned c = 0; c < end; c++) {
		enum style style = cells != NULL ? cells[c].style : STYLE_DIM;
		const char *text = cell_text(table, cells, c);
		bool is_left = table->columns[c].is_left;
		unsigned width = table->widths[c];

		if (width == 0)
			continue;
		if (!is_first)
			lines_put_cell(lines, STYLE_PLAIN, "", gap, true);
		is_first = false;
		if (c + 1 == end && is_left && lines_text_width(lines, text) < width)
			width = lines_text_width(lines, text);
		lines_put_cell(lines, style, text, width, is_left);
	}
	lines_end_line(lines);
}

unsigned table_write(struct table *table, struct lines *lines)
{
	struct cell cells[TABLE_COLUMNS];
	unsigned rows = measure_columns(table, lines), gap;

	if (rows == 0)
		return 0;
	gap = fit_columns(table, lines->width);
	write_row(table, lines, NULL, gap);
	for (unsigned i = 0; i < table->row_count; i++) {
		if (!fill_cells(table, i, cells))
			continue;
		write_row(table, lines, cells, gap);
		if (table->write_below != NULL)
			table->write_below(table->owner, i, lines);
	}
	return rows;
}

void table_set_text(struct cell *cell, enum style style, const char *text)
{
	cell->style = style;
	snprintf(cell->text, sizeof(cell->text), "%s", text);
}

void table_set_number(struct cell *cell, unsigned value)
{
	snprintf(cell->text, sizeof(cell->text), "%u", value);
}

void table_set_count(struct cell *cell, enum style style, uint64_t value)
{
	cell->style = style;
	format_count(value, cell->text);
}

void table_set_bytes(struct cell *cell, uint64_t bytes)
{
	format_bytes(bytes, cell->text);
}

void table_set_age(struct cell *cell, int64_t seconds)
{
	format_age(seconds, cell->text);
}
