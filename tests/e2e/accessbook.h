/* SPDX-License-Identifier: MIT */
/* A server with an access log, and what is in that: for the tests of the access log. */
#ifndef E2E_ACCESSBOOK_H
#define E2E_ACCESSBOOK_H

#include "harness.h"

/* Where the access log is. */
extern char accessbook_path[96];

/* A server with an access log beside its pid file, which its own folder has not got yet. */
struct server *accessbook_start(struct plan plan);

/* The whole of a file, "" when there is none; until the next call. */
char *accessbook_read(const char *name);

/* How often it is in there. */
unsigned accessbook_count(const char *in, const char *what);

/* Lines of the access log. */
unsigned accessbook_lines(void);

/* It is in the access log, once. */
void accessbook_expect(struct server *s, const char *what);

#endif
