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
 * The lesson's own process only.
 */
#ifndef DEMO_DIAGRAM_H
#define DEMO_DIAGRAM_H

#include <stdbool.h>
#include <stddef.h>

enum {
	DIAGRAM_WIDTH = 80,
	DIAGRAM_PROCESSES = 5, /* columns besides the client's, at most */
	DIAGRAM_CLIENT = 0,    /* the client's column; those of the processes follow */
};

/* The outcome of the claims; shared with the process that started the lesson. */
struct claims {
	unsigned held, broken;
	unsigned skipped; /* could not be checked here */
	bool has_quit;    /* the reader wants to stop */
	int lost_status;  /* of a process that ended by itself (waitpid(2)); else 0 */
	int output_error; /* errno of writing to stdout; else 0 */
};

enum direction { TO_SERVER, TO_CLIENT };

struct diagram {
	struct claims *claims;
	bool has_colour;
	bool has_scene;   /* a scene has begun */
	unsigned columns; /* the client's and the processes' */
	unsigned wire_at; /* screen column where the wire begins */
	struct {
		const char *name;
		unsigned at;       /* screen column where it begins */
		bool has_lifeline; /* its process holds the socket: a bar, else a dot */
	} column[1 + DIAGRAM_PROCESSES];
	char line[DIAGRAM_WIDTH + 1]; /* the line in work; "" when it is empty */
};

/* The caller owns claims and keeps it until the lesson ends. */
void diagram_init(struct diagram *out, struct claims *claims);

/* Prints the lesson's name and sentence as its heading. */
void diagram_title(struct diagram *out, const char *name, const char *sentence);

/* Prints a paragraph, filled. */
void diagram_paragraph(struct diagram *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Sets the columns of the following diagrams: the client's, and one for each of the names
 * (NULL-ended, at most DIAGRAM_PROCESSES; the caller owns them). All processes have lifelines.
 */
void diagram_columns(struct diagram *out, const char *const *names);

/*
 * Begins a diagram under a heading such as "(a) a worker closes" with the columns' names. With
 * --step it waits for a key first, and ends the lesson when the reader quits.
 */
void diagram_scene(struct diagram *out, const char *heading);

/* The same without waiting, for a scene that must follow at once: the kernel's timers run on. */
void diagram_scene_at_once(struct diagram *out, const char *heading);

/* Sets whether that column's process holds the socket, from the next line on. */
void diagram_lifeline(struct diagram *out, unsigned column, bool holds);

/* Puts text into a column of the line: a call and its result. */
void diagram_cell(struct diagram *out, unsigned column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts an arrow on the wire of the line: "<--- FIN ----". The label has at most 9 characters. */
void diagram_arrow(struct diagram *out, enum direction direction, const char *label);

/* Shows the line, with the lifelines of the columns that have no text. */
void diagram_line(struct diagram *out);

/* Prints a line of a table or a chart: indented, otherwise unchanged. */
void diagram_row(struct diagram *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints the kernel's view: states, holders, queues. Filled, indented. */
void diagram_kernel(struct diagram *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints a claim and its outcome, and counts it. */
void diagram_claim(struct diagram *out, bool holds, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints a claim that cannot be checked here, and the reason; counts it. */
void diagram_skip_claim(struct diagram *out, const char *why, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Ends the lesson and its processes because the system forbids a call: counts one skipped claim,
 * "the rest of this lesson (not checkable here: CALL: the text of errno)".
 */
_Noreturn void diagram_skip_rest(struct diagram *out, const char *call);

#endif
