/* SPDX-License-Identifier: MIT */
/*
 * Opens the file that the log is written to, also where its folder belongs to another user, who may
 * put links and other files in its place. For base/log.
 */
#ifndef BASE_LOGFILE_H
#define BASE_LOGFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

enum { LOGFILE_NAME = 256 }; /* a file's name in its folder, with its NUL */

/*
 * Opens the folder that path names (O_PATH), or -1 with errno; *name is what path leaves, shorter
 * than LOGFILE_NAME.
 */
int logfile_folder(const char *path, const char **name);

/*
 * Opens the file to be appended to, or -1 with err, which says only why. A file that is not there
 * is made when `create`, with mode 0640, and given to owner when that is not (uid_t)-1; one that is
 * there is given to nobody. A regular file must have one name and be root's, the process's user's
 * or owner's; a symbolic link is followed only in a folder that nobody else can write to.
 */
int logfile_open(int folder, const char *name, bool create, uid_t owner, struct err *err);

/* False for a file that owner (-1: whoever runs) will not be able to open again. */
bool logfile_is_lasting(int fd, uid_t owner);

#endif
