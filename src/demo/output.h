/* SPDX-License-Identifier: MIT */
/*
 * What a lesson shows: paragraphs, a drawing that grows line by line (a column for the client, one
 * for the wire, one for each process), what the kernel says, and claims with their outcome. At most
 * 80 columns, ASCII, in colour only on a terminal. Writes to stdout, and at once.
 *
 *   client           wire          master     worker 1   worker 2
 *   |                              |          close() = 0
 *   |                              |          .          |
 *     kernel: 2 processes hold the connection; the client is ESTABLISHED
 *   ok      a worker's close() takes one reference of three
 *
 * A lesson's own process only.
 */
#ifndef DEMO_OUTPUT_H
#define DEMO_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	OUTPUT_WIDTH = 80,
	OUTPUT_PROCESSES = 5, /* columns beside the client's, at most */
	OUTPUT_CLIENT = 0,    /* the number of its column; those of the processes follow */
};

/* What became of the claims; shared with the process that started the lesson. */
struct claims {
	unsigned held, broken;
	unsigned skipped; /* could not be checked here */
	bool has_quit;    /* the reader wants no more */
	int lost_status;  /* how an actor ended that should not have (waitpid(2)); else 0 */
};

enum direction { TO_SERVER, TO_CLIENT };

struct output {
	struct claims *claims;
	bool has_colour;
	bool has_scene;   /* one has been drawn */
	unsigned columns; /* the client's and the processes' */
	unsigned wire_at; /* screen column where the wire begins */
	struct {
		const char *name;
		unsigned at;       /* screen column where it begins */
		bool has_lifeline; /* its lifeline is drawn: the process holds the socket */
	} column[1 + OUTPUT_PROCESSES];
	char line[OUTPUT_WIDTH + 1]; /* being put together; "" when nothing is in it */
};

/* tally is the caller's. */
void output_init(struct output *out, struct claims *claims);

/* A lesson's name as its heading. */
void output_title(struct output *out, const char *name, const char *sentence);

/* A paragraph, filled. */
void output_paragraph(struct output *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Sets the columns of the drawings to come: the client's, and one for each of the names
 * (NULL-ended, at most OUTPUT_PROCESSES; they stay the caller's). All lifelines are drawn.
 */
void output_columns(struct output *out, const char *const *names);

/*
 * Begins a drawing under a heading such as "(a) a worker closes": the columns' names. Where the
 * reader wants to go step by step, waits for a key first, or ends the lesson at his wish.
 */
void output_scene(struct output *out, const char *heading);

/* The same for a scene that the one before cannot wait for: the kernel's timers run on. */
void output_scene_at_once(struct output *out, const char *heading);

/* From the next line on, whether that column's process holds the socket that it is about. */
void output_lifeline(struct output *out, unsigned column, bool holds);

/* Puts text into a column of the line that is being made: a call and its result. */
void output_cell(struct output *out, unsigned column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts an arrow on the wire of that line: "<--- FIN ----". The label is short: 9 characters. */
void output_arrow(struct output *out, enum direction direction, const char *label);

/* Shows the line, with the lifelines of the columns that have no text in it. */
void output_line(struct output *out);

/* A line of a table or a chart: indented, else as it is. */
void output_row(struct output *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the kernel says: states, holders, queues. Filled, indented. */
void output_kernel(struct output *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A claim and its outcome; counted. */
void output_claim(struct output *out, bool holds, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A claim that cannot be checked here, and why not; counted. */
void output_skip_claim(struct output *out, const char *why, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Ends the lesson, with all that belongs to it, because the system forbids a step: counts one
 * claim as not checkable, "CALL: errno's words". errno is read.
 */
_Noreturn void output_skip_rest(struct output *out, const char *name);

#endif
