/* SPDX-License-Identifier: MIT */
/* A server with an access log, and checks of that log: for the tests of the access log. */
#ifndef E2E_ACCESSBOOK_H
#define E2E_ACCESSBOOK_H

#include "harness.h"

/* The path of the access log. */
extern char accessbook_path[96];

/* Starts a server with an access log in a folder of its own, made before the server's. */
struct server *accessbook_start(struct plan plan);

/* Reads a whole file, "" when there is none; valid until the next call. */
char *accessbook_read(const char *name);

/* How many times `what` occurs in `in`. */
unsigned accessbook_count(const char *in, const char *what);

/* The number of lines in the access log. */
unsigned accessbook_lines(void);

/* Asserts that the text is in the access log exactly once. */
void accessbook_expect(struct server *s, const char *what);

/*
 * In the combined format: every line has the nine fields, and nothing in it is a raw byte. goaccess
 * takes every line; without it nothing is checked.
 */
void accessbook_expect_combined(struct server *s);
void accessbook_expect_goaccess(struct server *s, unsigned lines);

#endif
