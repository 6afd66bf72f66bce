/* SPDX-License-Identifier: MIT */
/*
 * Lines of text for a person: no wider than the screen, in colour where that is wanted. Every text
 * goes through one gate, whoever wrote it: what a terminal could take for a command, or what has no
 * width of its own, is shown as \n or \x1b, so that a line stays one line. Any process.
 */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

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

struct screen {
	FILE *out;
	unsigned width; /* columns of a line, at least 1 */
	bool has_colour;
	bool is_utf8;    /* the characters of the locale are UTF-8 */
	bool is_frame;   /* the lines are written over others: what is left of those is cleared */
	unsigned column; /* of the line in the making; screen.c's own */
};

/*
 * Sets has_colour as stdout and the environment want it, and is_utf8 as the locale of the
 * environment, which becomes that of the process (setlocale(3)), says.
 */
void screen_detect(struct screen *screen);

/* Where lines to stdout end when it is no terminal: COLUMNS, or far out. */
unsigned screen_pipe_width(void);

/* The columns that text takes. */
unsigned screen_measure(const struct screen *screen, const char *text);

/* Adds text to the line; what does not fit into it is cut off, with a mark. */
void screen_put(struct screen *screen, enum style style, const char *text);

/* Adds text in exactly `width` columns, cut with a mark or filled up with blanks. */
void screen_cell(struct screen *screen, enum style style, const char *text, unsigned width,
		 bool is_left);

/* Formats and adds. */
void screen_say(struct screen *screen, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Adds all of text, in as many lines as it takes, each but the first after `indent` blanks; ends
 * the last one.
 */
void screen_wrap(struct screen *screen, enum style style, unsigned indent, const char *text);

/* Ends the line. */
void screen_end(struct screen *screen);

/* An empty line, then a line of its own: a title, and a remark behind it ("": none). */
void screen_title(struct screen *screen, const char *title, const char *remark);

#endif
