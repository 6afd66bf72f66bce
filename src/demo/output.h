/* SPDX-License-Identifier: MIT */
/*
 * The output of a lesson: paragraphs, a sequence diagram that grows line by line (a column for the
 * client, one for the wire, one for each process), the kernel's view, and claims with their
 * outcome. At most 80 columns, ASCII, in colour only on a terminal. Written to stdout at once.
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
	OUTPUT_PROCESSES = 5, /* columns besides the client's, at most */
	OUTPUT_CLIENT = 0,    /* the client's column; those of the processes follow */
};

/* The outcome of the claims; shared with the process that started the lesson. */
struct claims {
	unsigned held, broken;
	unsigned skipped; /* could not be checked here */
	bool has_quit;    /* the reader wants to stop */
	int lost_status;  /* of a process that ended by itself (waitpid(2)); else 0 */
};

enum direction { TO_SERVER, TO_CLIENT };

struct output {
	struct claims *claims;
	bool has_colour;
	bool has_scene;   /* a scene has begun */
	unsigned columns; /* the client's and the processes' */
	unsigned wire_at; /* screen column where the wire begins */
	struct {
		const char *name;
		unsigned at;       /* screen column where it begins */
		bool has_lifeline; /* its process holds the socket: a bar, else a dot */
	} column[1 + OUTPUT_PROCESSES];
	char line[OUTPUT_WIDTH + 1]; /* the line being made; "" when it is empty */
};

/* claims belongs to the caller, who keeps it until the lesson ends. */
void output_init(struct output *out, struct claims *claims);

/* The lesson's name and sentence as its heading. */
void output_title(struct output *out, const char *name, const char *sentence);

/* A paragraph, filled. */
void output_paragraph(struct output *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Sets the columns of the following diagrams: the client's, and one for each of the names
 * (NULL-ended, at most OUTPUT_PROCESSES; they belong to the caller). All processes have lifelines.
 */
void output_columns(struct output *out, const char *const *names);

/*
 * Begins a diagram under a heading such as "(a) a worker closes" with the columns' names. With
 * --step it waits for a key first, and ends the lesson when the reader quits.
 */
void output_scene(struct output *out, const char *heading);

/* The same without waiting, for a scene that must follow at once: the kernel's timers run on. */
void output_scene_at_once(struct output *out, const char *heading);

/* Sets whether that column's process holds the socket, from the next line on. */
void output_lifeline(struct output *out, unsigned column, bool holds);

/* Puts text into a column of the line: a call and its result. */
void output_cell(struct output *out, unsigned column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts an arrow on the wire of the line: "<--- FIN ----". The label has at most 9 characters. */
void output_arrow(struct output *out, enum direction direction, const char *label);

/* Shows the line, with the lifelines of the columns that have no text. */
void output_line(struct output *out);

/* A line of a table or a chart: indented, otherwise unchanged. */
void output_row(struct output *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The kernel's view: states, holders, queues. Filled, indented. */
void output_kernel(struct output *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A claim and its outcome; counted. */
void output_claim(struct output *out, bool holds, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A claim that cannot be checked here, and the reason; counted. */
void output_skip_claim(struct output *out, const char *why, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Ends the lesson and its processes because the system forbids a call: counts one skipped claim,
 * "the rest of this lesson (not checkable here: CALL: the text of errno)".
 */
_Noreturn void output_skip_rest(struct output *out, const char *call);

#endif
