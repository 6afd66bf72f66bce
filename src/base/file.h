/* SPDX-License-Identifier: MIT */
/*
 * Reads until all is there: short reads and interruptions are ordinary. Any process; allocates
 * nothing.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Bytes read, fewer than size only at the end of the file; -1 with errno (read(2)). */
ssize_t file_read(int fd, void *to, size_t size);

/*
 * Reads a short file, such as one of proc(5), into text (size bytes) and ends it with a NUL; one
 * that is longer is cut. False with errno.
 */
bool file_read_path(const char *path, char *text, size_t size);

#endif
