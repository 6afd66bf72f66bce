/* SPDX-License-Identifier: MIT */
/* A served worker's access log in a folder of its own, with the log's events beside it. */
#ifndef UNIT_LOGBOOK_H
#define UNIT_LOGBOOK_H

#include "base/log.h"
#include "unit/served.h"

enum { FLUSH_MS = 1000 }; /* a line waits no longer */

/* The two files, which need not be there; and what logbook_read has read. */
extern char logbook_path[128], logbook_events[128], logbook_text[1 << 20];

/* For each test: the log goes to its file, the access log nowhere. */
int logbook_set_up(void **state);
int logbook_tear_down(void **state);

/* For the server that is started next. */
void logbook_open(const char *target, enum log_format format);

/* The whole of a file, "" when there is none; in logbook_text. */
const char *logbook_read(const char *name);

/* How often it is in there. */
unsigned logbook_count(const char *in, const char *what);

/* A flush later the access log has one line, with all these parts (NULL ends them). */
void logbook_expect(struct served *s, const char *parts, ...) __attribute__((sentinel));

void assert_lines(const struct served *s, unsigned lines, unsigned lost, unsigned failures);

/* A connection that has come, said x, been answered, and gone. */
void logbook_visit(struct served *s);

#endif
