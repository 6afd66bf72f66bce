/* SPDX-License-Identifier: MIT */
/*
 * The pid file: locked by the master for as long as it lives, so a stale file or a reused pid is
 * never taken for a server. The lock that counts belongs to the open file description (F_OFD_SETLK,
 * fcntl(2)): this process does not lose it by opening the file again under any name and closing it.
 * Children close the descriptor before anything else.
 */
#ifndef CONFIG_PIDFILE_H
#define CONFIG_PIDFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/pidfile_path.h"

struct pidfile {
	int fd; /* -1: not held, or there is none */
	char path[PIDFILE_PATH];
};

/*
 * Opens (0644) and locks path and empties the file, without writing the pid yet. Path "" succeeds
 * without effect. Returns false with err when another server holds the file (CODE_UNAVAILABLE),
 * when the file cannot be trusted (a link, no regular file, another user's, writable by others:
 * CODE_CONFIG), or when it cannot be opened. A reader's lock is no server's: the file is replaced
 * by a new one. Makes the private folder. Waits at most a second for the children of a server that
 * was killed. Master.
 */
bool pidfile_open(struct pidfile *file, const char *path, struct err *err);

/* Returns whether pidfile_open would succeed, with the same err; changes nothing. Any process. */
bool pidfile_probe(const char *path, struct err *err);

/* Writes the pid of the calling process, if the file is held. */
bool pidfile_write(struct pidfile *file, struct err *err);

/*
 * Removes the file if the path still leads to the held one, and releases the lock. Logs
 * pid_file_failed when it cannot be removed. No effect when the file is not held.
 */
void pidfile_remove(struct pidfile *file);

/*
 * Returns the process that holds the lock, 0 when none does or there is no file (path ""). The pid
 * comes from the kernel or else, while the lock is held, from the file. Any process that may read
 * it.
 */
pid_t pidfile_owner(const char *path);

/* True when this process may not read the pid file, so that pidfile_owner may miss its server. */
bool pidfile_is_hidden(const char *path);

/* Explains why pidfile_owner found no process: fills err (CODE_FAILED) and returns false. */
bool pidfile_nobody(const char *path, struct err *err);

#endif
