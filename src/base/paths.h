/* SPDX-License-Identifier: MIT */
/*
 * Whether two absolute paths lead to the same, however they are spelt: /run/x and /var/run/x,
 * /a/./x, //a/x. Asks the file system. Any process.
 */
#ifndef BASE_PATHS_H
#define BASE_PATHS_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the folder of an absolute path to text (size bytes), cut to size; returns text. */
const char *file_folder(const char *path, char *text, size_t size);

/* The same name in the same folder, whether or not there is anything of that name. */
bool file_same_name(const char *a, const char *b);

/* That, or the same regular file by two names. */
bool file_same(const char *a, const char *b);

#endif
