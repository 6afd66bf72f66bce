/* SPDX-License-Identifier: MIT */
/*
 * Where the access log goes: nowhere, a file, or stderr. Its outlet never waits for a reader.
 * Opened by the master, inherited by its workers. For the access log.
 */
#ifndef ACCESSLOG_ACCESSFILE_H
#define ACCESSLOG_ACCESSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/logfile.h"
#include "base/writer.h"

struct accessfile {
	char target[4096];    /* off, stderr or a path, as in the configuration */
	struct writer outlet; /* of the file, or of stderr */
	struct logfile file;
};
#define ACCESSFILE_CLOSED                                          \
	{                                                          \
		"off", WRITER_CLOSED, LOGFILE_CLOSED("access log") \
	}

/*
 * Opens target instead of what was open; a file is made and given to owner as the log is. False
 * with err, and all stays as it was.
 */
bool accessfile_open(struct accessfile *file, const char *target, uid_t owner, struct err *err);
void accessfile_close(struct accessfile *file);

/*
 * Opens a file anew; others need not be. False with err: the old one stays. *is_other says that
 * what is written from now on goes to another file.
 */
bool accessfile_reopen(struct accessfile *file, bool create, bool *is_other, struct err *err);

/* Its descriptors beside stderr. Fills fds (room for ACCESSFILE_FDS) and returns how many. */
enum { ACCESSFILE_FDS = LOGFILE_FDS };
unsigned accessfile_fds(const struct accessfile *file, int *fds);

#endif
