/* SPDX-License-Identifier: MIT */
/*
 * Lines of text for a person: no wider than the screen, in colour where the terminal allows it.
 * Every text, of any origin, is escaped: a character that a terminal could take for a command, or
 * that has no width, is shown as \n or \x1b, so that a line stays one line. Any process.
 */
#ifndef CTL_LINES_H
#define CTL_LINES_H

#include <stdbool.h>
#include <stdio.h>

enum style {
	STYLE_PLAIN,
	STYLE_HEAD,
	STYLE_DIM,
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_BAR,
	STYLE_ALERT /* in the bar */
};

struct lines {
	FILE *out;
	unsigned width; /* columns of a line, at least 1 */
	bool has_colour;
	bool is_utf8;    /* the characters of the locale are UTF-8 */
	bool is_frame;   /* lines overwrite older ones: the rest of each is cleared */
	unsigned column; /* position in the current line; set by lines.c */
};

/*
 * Sets has_colour for stdout (stdio_has_colour), and is_utf8 for the locale of the environment,
 * which it makes the locale of the process (setlocale(3)).
 */
void lines_detect(struct lines *lines);

/* The width of lines to a stdout that is no terminal: COLUMNS, or else a very large one. */
unsigned lines_pipe_width(void);

/* Returns the number of columns that text takes. */
unsigned lines_text_width(const struct lines *lines, const char *text);

/* Adds text to the line; a text that does not fit is cut, with a mark at its end. */
void lines_put(struct lines *lines, enum style style, const char *text);

/* Adds text in exactly `width` columns: cut, with a mark at its end, or padded with blanks. */
void lines_put_cell(struct lines *lines, enum style style, const char *text, unsigned width,
		    bool is_left);

/* Formats a text (printf(3)) and adds it. */
void lines_printf(struct lines *lines, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Adds the whole text, wrapped at blanks to as many lines as it takes, and ends the last one. All
 * but the first begin with `indent` blanks.
 */
void lines_wrap(struct lines *lines, enum style style, unsigned indent, const char *text);

/* Ends the line. */
void lines_end_line(struct lines *lines);

/* Writes an empty line, then a line with a title and a remark ("": none). */
void lines_title(struct lines *lines, const char *title, const char *remark);

#endif
