/* SPDX-License-Identifier: MIT */
/*
 * Files by path: a short file read whole, the owner that a trusted file must have, and whether two
 * paths lead to the same file however they are spelt (/run/x and /var/run/x, /a/./x, //a/x). Any
 * process; does not allocate.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Reads size bytes that begin at the offset `from`. Returns how many were read, fewer only at the
 * end of the file, or -1 with errno set (pread(2)). The descriptor's own offset does not change.
 */
ssize_t file_read(int fd, void *to, size_t size, off_t from);

/*
 * Reads a short file, such as one of proc(5), into text (size bytes) and ends it with a NUL; a
 * longer file is cut. Returns false with errno set.
 */
bool file_read_path(const char *path, char *text, size_t size);

/*
 * Reads a regular file whole, of at most `size` bytes, which is what a configuration names. Returns
 * its length, or -1 with err, which has the path but no place.
 */
ssize_t file_read_regular(const char *path, void *to, size_t size, struct err *err);

/*
 * True for a file with one hard link that belongs to root, to the process's user or to `owner`
 * ((uid_t)-1: no third user is accepted). Otherwise false with err (CODE_CONFIG), which gives only
 * the reason and the remedy. Pure.
 */
bool file_check_owner(const struct stat *st, uid_t owner, struct err *err);

/* True when only the folder's owner, who is root or the process's user, can change its contents. */
bool file_is_own_folder(const struct stat *st);

/* Writes the folder of an absolute path to text (size bytes), cut to size. Returns text. */
const char *file_folder(const char *path, char *text, size_t size);

/* True when this process may create a file in the folder of that path; else errno. */
bool file_can_create(const char *path);

/* True for the same name in the same folder, whether or not such a file exists. */
bool file_same_name(const char *a, const char *b);

/* True as file_same_name, or for two names of the same regular file. */
bool file_same(const char *a, const char *b);

/*
 * Writes name to path (FILE_PATH bytes). A relative name goes below directory, unless directory is
 * NULL. Returns false when the path is too long.
 */
enum { FILE_PATH = 4096 };
bool file_join(const char *directory, const char *name, char *path);

/* As file_join, with the folder of the file `beside` as the directory. */
bool file_join_beside(const char *beside, const char *name, char *path);

#endif
