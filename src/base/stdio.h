/* SPDX-License-Identifier: MIT */
/*
 * The three standard descriptors: opened when missing, left to others, flushed with a check. Any
 * process.
 */
#ifndef BASE_STDIO_H
#define BASE_STDIO_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Opens /dev/null for each closed standard descriptor: otherwise a socket would get its number, and
 * messages would go to that socket. Output to such a stdout is dropped silently, or fails with
 * needs_stdout. Call it before anything else is opened.
 */
void stdio_fill(bool needs_stdout);

/*
 * Replaces standard input and output by /dev/null, where it exists: the terminal is the parent
 * process's alone.
 */
void stdio_leave_terminal(void);

/*
 * Flushes stdout. Returns false when output was lost (a full disk, a closed pipe), which must not
 * look like success; fills err (CODE_OSERR) unless it already holds an error.
 */
bool stdio_flush(struct err *err);

/*
 * Writes the server's last message to stderr. Waits up to a second for a slow reader, then writes
 * as much as fits.
 */
void stdio_say_last(const char *text);

/*
 * True when fd should get colour: a terminal that is not dumb, and NO_COLOR is not set
 * (https://no-color.org).
 */
bool stdio_has_colour(int fd);

#endif
