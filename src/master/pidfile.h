/* SPDX-License-Identifier: MIT */
/*
 * The pid file: locked by the master for as long as it lives (fcntl(2) record lock, which the
 * kernel drops with the process and no child inherits), so a stale file or a reused pid is never
 * taken for a server.
 */
#ifndef MASTER_PIDFILE_H
#define MASTER_PIDFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "core/conf.h"

/*
 * Where the pid file of conf is: pid_file, or RUNSTATEDIR/prefork-srv.pid for root, else
 * $XDG_RUNTIME_DIR/prefork-srv.pid, else /tmp/prefork-srv-UID/prefork-srv.pid, whose folder must be
 * ours and 0700. Creates no file; `make_folder` creates that folder. Writes the absolute path to
 * text and returns true, or false with err (the folder is another's, the path is too long).
 */
bool pidfile_path(const struct conf *conf, bool make_folder, char *text, size_t size,
		  struct err *err);

struct pidfile {
	int fd; /* -1: not held */
	char path[4096];
};

/*
 * Opens (0644, O_NOFOLLOW) and locks path and empties the file, without writing the pid yet. False
 * with err when another server holds it (CODE_UNAVAILABLE), or it cannot be opened. A reader's lock
 * is no server's: the file is replaced by a new one. Master.
 */
bool pidfile_open(struct pidfile *file, const char *path, struct err *err);

/* Writes the pid of the calling process. */
bool pidfile_write(struct pidfile *file, struct err *err);

/*
 * Removes the file if the path still leads to the one we hold, and lets go of the lock. Logs
 * pid_file_failed when it cannot be removed; nothing when it is not held.
 */
void pidfile_remove(struct pidfile *file);

/*
 * The process that holds the lock for writing (F_GETLK), 0 when none does or there is no file;
 * anyone who may read it. Never in the master itself: closing any descriptor of the file would drop its lock.
 */
pid_t pidfile_owner(const char *path);

/* Why pidfile_owner has found nobody at path: fills err (CODE_FAILED) and returns false. */
bool pidfile_nobody(const char *path, struct err *err);

/*
 * True when pidfile_open would succeed for conf's pid file, as far as looking can tell; one that a
 * server holds is fine. Changes nothing. False with err: CODE_CONFIG, CODE_NOPERM or CODE_OSERR.
 */
bool pidfile_probe(const struct conf *conf, struct err *err);

#endif
