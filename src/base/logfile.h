/* SPDX-License-Identifier: MIT */
/*
 * A file for appended lines, reopened after a rotation. It is safe in a folder of another user, who
 * may put links and other files in its place. For base/log and the access log.
 */
#ifndef BASE_LOGFILE_H
#define BASE_LOGFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

enum { LOGFILE_NAME = 256, LOGFILE_PATH = 4096 }; /* with the NUL */

/*
 * Opens the folder of path (O_PATH). Returns its descriptor, or -1 with errno set. *name points to
 * the rest of path, shorter than LOGFILE_NAME.
 */
int logfile_folder(const char *path, const char **name);

/*
 * Opens the file for appending. Returns its descriptor, or -1 with err, which gives only the
 * reason. With `create` a missing file is created with mode 0640 and given to owner (unless
 * (uid_t)-1); an existing file keeps its owner. A regular file must have one hard link and belong
 * to root, the process's user or owner. A symbolic link is followed only in a folder that no other
 * user can write to.
 */
int logfile_open(int folder, const char *name, bool create, uid_t owner, struct err *err);

/*
 * An open log file. Its descriptor number never changes: a reopen replaces the file under the same
 * number, so that processes which share a descriptor table stay in agreement.
 */
struct logfile {
	const char *what; /* "log" or "access log", for messages */
	int fd, folder;   /* the file; its folder (O_PATH), for reopening; or -1 */
	char path[LOGFILE_PATH];
	uid_t owner;
};
#define LOGFILE_CLOSED(what)                  \
	{                                     \
		(what), -1, -1, "", (uid_t)-1 \
	}

/*
 * Opens path in place of the current file, as logfile_open does with `create`. Returns false with
 * err, and nothing changes.
 */
bool logfile_use(struct logfile *file, const char *path, uid_t owner, struct err *err);

/*
 * Returns true when logfile_use would succeed, else false with err, which has the path. Makes no
 * file, and changes none.
 */
bool logfile_probe(const char *path, uid_t owner, struct err *err);

/*
 * Opens the same path again; creates the file when `create`. The folder is looked up again, because
 * another one may be in its place; a process without permission to look it up uses the folder it
 * has. Returns false with err, and the old file stays.
 */
bool logfile_reopen(struct logfile *file, bool create, struct err *err);

/*
 * Closes the folder, through which a process could leave a chroot. A later logfile_reopen fails
 * with a message.
 */
void logfile_forget_folder(struct logfile *file);

/* Does nothing when the file is not open. */
void logfile_close(struct logfile *file);

/* Fills fds (LOGFILE_FDS entries) with its descriptors and returns their number. */
enum { LOGFILE_FDS = 2 };
unsigned logfile_fds(const struct logfile *file, int *fds);

/*
 * Writes the start's warning about this file to text (LOGFILE_WARNING bytes). Returns false when
 * there is nothing to warn about.
 */
enum { LOGFILE_WARNING = 512 };
bool logfile_warns(const struct logfile *file, const char *path, char *text);

#endif
