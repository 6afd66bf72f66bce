/* SPDX-License-Identifier: MIT */
/* A served worker's access log in a temporary folder, with the event log beside it. */
#ifndef UNIT_LOGBOOK_H
#define UNIT_LOGBOOK_H

#include "base/log.h"
#include "unit/served.h"

enum { FLUSH_MS = 1000 }; /* the longest time that a line waits */

/* The two files, which need not exist; and the text of the last logbook_read. */
extern char logbook_path[128], logbook_events[128], logbook_text[1 << 20];

/* Setup and teardown of each test: the event log goes to its file, the access log is off. */
int logbook_set_up(void **state);
int logbook_tear_down(void **state);

/* Opens the access log for the next server to be started. */
void logbook_open(const char *target, enum log_format format);

/* Reads a whole file into logbook_text; "" when there is none. */
const char *logbook_read(const char *name);

/* How many times `what` occurs in `in`. */
unsigned logbook_count(const char *in, const char *what);

/*
 * Asserts that after one flush the access log has one line, with all these parts (NULL ends them).
 */
void logbook_expect(struct served *s, const char *parts, ...) __attribute__((sentinel));

void assert_lines(const struct served *s, unsigned lines, unsigned lost, unsigned failures);

/* Opens a connection, sends x, reads the answer, and closes it. */
void logbook_visit(struct served *s);

#endif
