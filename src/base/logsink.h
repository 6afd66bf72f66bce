/* SPDX-License-Identifier: MIT */
/*
 * Where the log's lines go: stderr, a file, or syslog (datagrams of RFC 3164, without syslog(3),
 * whose descriptor is unknown and whose sending may wait). It never waits: a line that is not taken
 * is lost whole, and counted; of one that was taken in part the rest is kept, and goes first the
 * next time. For base/log.
 */
#ifndef BASE_LOGSINK_H
#define BASE_LOGSINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum logsink_target { TO_STDERR, TO_FILE, TO_SYSLOG };

/* As log_open, log_reopen, log_forget_folder, log_own, log_fds and log_count_in (base/log.h). */
bool logsink_open(const char *path, uid_t owner, struct err *err);
bool logsink_reopen(bool create, struct err *err);
void logsink_forget_folder(void);
void logsink_own(void);
enum { LOGSINK_FDS = 2 };
unsigned logsink_fds(int *fds);
void logsink_count_in(_Atomic uint64_t *cell);

enum logsink_target logsink_target(void);

/* The longest line that goes out whole, its newline included; at most LOGLINE_SIZE. */
size_t logsink_most(void);

/* What a start has to warn of, as logfile_warns; false also when the log is no file. */
bool logsink_warns(const char *path, char *text);

/*
 * Writes what was kept of an earlier line. True when a new line may follow; else it would be lost,
 * like those of a file that is gone.
 */
bool logsink_has_room(void);

/*
 * Writes a line with its newline, in syslog with that priority of syslog(3). False when it is lost;
 * the caller counts it or not. After logsink_has_room.
 */
bool logsink_write(int priority, const char *line, size_t length);

/* One line more was lost. */
void logsink_lose(void);

/*
 * Lines of this process that were lost and that nobody has been told of, and why the last of them
 * was; logsink_told takes so many off.
 */
uint64_t logsink_lost(const char **why);
void logsink_told(uint64_t lines);

/* True while there is something to write as soon as there is room: a rest, or the number lost. */
bool logsink_owes(void);

/*
 * Forgets what the parent of this process has lost or not written whole, and where that is counted.
 */
void logsink_forget(void);

#define LOGSINK_SYSLOG_PATH "/dev/log"

/*
 * A non-blocking, close-on-exec socket connected to the daemon at path; -1 with errno. Reads the
 * time zone: before a chroot.
 */
int logsink_syslog_open(const char *path);

/*
 * In the child of a fork: puts a socket of the child's own in the place of its parent's, under the
 * same number.
 */
void logsink_syslog_part(int fd, const char *path);

/*
 * Sends the text with a priority of syslog(3); connects the socket anew when the daemon was
 * restarted. Never waits: false with errno when the text is lost (EAGAIN: the daemon does not
 * read). Allocates nothing.
 */
bool logsink_syslog_send(int fd, const char *path, int priority, const char *text, size_t length);

#endif
