/* SPDX-License-Identifier: MIT */
/*
 * The pid file: locked by the master for as long as it lives, so a stale file or a reused pid is
 * never taken for a server. The lock that counts belongs to the open file description (F_OFD_SETLK,
 * fcntl(2)): it is not lost when this process opens the file once more, under whatever name, and
 * closes it. Children close the descriptor first of all.
 */
#ifndef MASTER_PIDFILE_H
#define MASTER_PIDFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/pidfile_path.h"

struct pidfile {
	int fd; /* -1: not held, or there is none */
	char path[PIDFILE_PATH];
};

/*
 * Opens (0644) and locks path and empties the file, without writing the pid yet; path "": nothing,
 * and true. False with err when another server holds it (CODE_UNAVAILABLE), when what is there
 * cannot be trusted (a link, no regular file, another user's, one that others can write to:
 * CODE_CONFIG), or when it cannot be opened. A reader's lock is no server's: the file is replaced
 * by a new one. Makes the private folder. Waits at most a second for the children of a server that
 * was killed. Master.
 */
bool pidfile_open(struct pidfile *file, const char *path, struct err *err);

/* Whether pidfile_open would succeed, with the same err; changes nothing. Any process. */
bool pidfile_probe(const char *path, struct err *err);

/* Writes the pid of the calling process, where there is a file. */
bool pidfile_write(struct pidfile *file, struct err *err);

/*
 * Removes the file if the path still leads to the one that is held, and releases the lock. Logs
 * pid_file_failed when it cannot be removed; nothing when it is not held.
 */
void pidfile_remove(struct pidfile *file);

/*
 * The process that holds the lock, 0 when none does or there is no file (path ""): as the kernel
 * says or else, while the lock is held, as the file says. Any process that may read it.
 */
pid_t pidfile_owner(const char *path);

/* Why pidfile_owner has found no process: fills err (CODE_FAILED) and returns false. */
bool pidfile_nobody(const char *path, struct err *err);

#endif
