/* SPDX-License-Identifier: MIT */
/* The three standard descriptors, as a careful program treats them. Any process. */
#ifndef BASE_STDIO_H
#define BASE_STDIO_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Opens /dev/null in place of those that are closed: else a socket would get their number, and
 * messages would go there. What is written to such a stdout is lost without a word, or, with
 * needs_stdout, fails. Before anything else is opened.
 */
void stdio_fill(bool needs_stdout);

/*
 * Flushes stdout. False when output did not arrive (a full disk, a closed pipe), which must not
 * look like success: with err (CODE_OSERR), unless that holds an error already.
 */
bool stdio_flush(struct err *err);

/*
 * The last word of a server, on stderr: waits up to a second for a reader that is behind, and then
 * does without.
 */
void stdio_say_last(const char *text);

/*
 * True when colour is wanted there: a terminal that is not dumb, and no NO_COLOR
 * (https://no-color.org).
 */
bool stdio_has_colour(int fd);

#endif
