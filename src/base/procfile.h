/* SPDX-License-Identifier: MIT */
/* Files of proc(5), which are made when they are read. Any process; allocates nothing. */
#ifndef BASE_PROCFILE_H
#define BASE_PROCFILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads the file into text (size bytes) and ends it with a NUL; one that is longer is cut. False
 * with errno.
 */
bool procfile_read(const char *path, char *text, size_t size);

#endif
