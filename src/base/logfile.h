/* SPDX-License-Identifier: MIT */
/*
 * A file that lines are appended to, opened anew after a rotation: also where its folder belongs to
 * another user, who may put links and other files in its place. For base/log and the access log.
 */
#ifndef BASE_LOGFILE_H
#define BASE_LOGFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

enum { LOGFILE_NAME = 256, LOGFILE_PATH = 4096 }; /* with their NULs */

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

/*
 * An open one. Its descriptor keeps its number for life: a reopening puts the new file in the place
 * of the old one, so that processes which share a descriptor table agree about it.
 */
struct logfile {
	const char *what; /* "log" or "access log", for messages */
	int fd, folder;   /* the file, and its folder (O_PATH), by which it is found again; or -1 */
	char path[LOGFILE_PATH];
	uid_t owner;
};
#define LOGFILE_CLOSED(what)                  \
	{                                     \
		(what), -1, -1, "", (uid_t)-1 \
	}

/*
 * Opens path instead of what was open, as logfile_open does with `create`. False with err, and all
 * stays as it was.
 */
bool logfile_use(struct logfile *file, const char *path, uid_t owner, struct err *err);

/*
 * Opens the same path anew, and creates the file when `create`. The folder is looked up again, for
 * another one may stand in its place; whoever may not look there uses the one that it has. False
 * with err: the old file stays.
 */
bool logfile_reopen(struct logfile *file, bool create, struct err *err);

/*
 * Lets go of the folder, by which a process could leave a chroot; from then on logfile_reopen fails
 * and says so.
 */
void logfile_forget_folder(struct logfile *file);

/* Nothing when it is not open. */
void logfile_close(struct logfile *file);

/* Its descriptors. Fills fds (room for LOGFILE_FDS) and returns how many. */
enum { LOGFILE_FDS = 2 };
unsigned logfile_fds(const struct logfile *file, int *fds);

/* What a start has to warn of, in text (LOGFILE_WARNING bytes); false when all is well. */
enum { LOGFILE_WARNING = 512 };
bool logfile_warns(const struct logfile *file, const char *path, char *text);

#endif
