/* SPDX-License-Identifier: MIT */
/*
 * Files by their paths: a short file read whole, the owner that a file must have to be trusted, and
 * whether two paths lead to the same file however they are spelt (/run/x and /var/run/x, /a/./x,
 * //a/x). Any process; allocates nothing.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"

/* Bytes read, fewer than size only at the end of the file; -1 with errno (read(2)). */
ssize_t file_read(int fd, void *to, size_t size);

/*
 * Reads a short file, such as one of proc(5), into text (size bytes) and ends it with a NUL; one
 * that is longer is cut. False with errno.
 */
bool file_read_path(const char *path, char *text, size_t size);

/*
 * True for a file with one name that is root's, the process's user's or owner's ((uid_t)-1: nobody
 * else's). Otherwise false with err (CODE_CONFIG), which says only why, and what to do. Pure.
 */
bool file_check_owner(const struct stat *st, uid_t owner, struct err *err);

/*
 * True when nobody but the folder's owner, who is root or the process's user, decides what is in
 * it.
 */
bool file_is_own_folder(const struct stat *st);

/* Writes the folder of an absolute path to text (size bytes), cut to size; returns text. */
const char *file_folder(const char *path, char *text, size_t size);

/* True when this process may create a file in the folder of that path; else errno. */
bool file_can_create(const char *path);

/* The same name in the same folder, whether or not there is anything of that name. */
bool file_same_name(const char *a, const char *b);

/* That, or the same regular file by two names. */
bool file_same(const char *a, const char *b);

#endif
