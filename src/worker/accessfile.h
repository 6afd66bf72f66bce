/* SPDX-License-Identifier: MIT */
/*
 * Where the access log goes: nowhere, a file, or stderr. A write to it never waits for a reader.
 * Opened by the master, inherited by its workers. For the access log.
 */
#ifndef WORKER_ACCESSFILE_H
#define WORKER_ACCESSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/logfile.h"

enum accessfile_kind {
	ACCESS_NOTHING,
	ACCESS_REGULAR, /* takes all there is, or fails */
	ACCESS_SOCKET,  /* as much as it takes now */
	ACCESS_PATIENT  /* a pipe, a terminal: asked first, and given little at a time */
};

struct accessfile {
	enum accessfile_kind kind;
	char target[4096]; /* off, stderr or a path, as in the configuration */
	int fd; /* that is written to: the file's, an own way to stderr, or stderr itself */
	struct logfile file;
};
#define ACCESSFILE_CLOSED                                               \
	{                                                               \
		ACCESS_NOTHING, "off", -1, LOGFILE_CLOSED("access log") \
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

/* True for a file whose last name is gone: what is written to it is for nobody. */
bool accessfile_is_gone(const struct accessfile *file);

/*
 * Writes the first of the n bytes, whole lines where it can be; returns how many, or -1 with errno:
 * EAGAIN when nobody takes any now.
 */
ssize_t accessfile_write(const struct accessfile *file, const char *bytes, size_t n);

/* Its descriptors beside stderr. Fills fds (room for ACCESSFILE_FDS) and returns how many. */
enum { ACCESSFILE_FDS = LOGFILE_FDS };
unsigned accessfile_fds(const struct accessfile *file, int *fds);

#endif
