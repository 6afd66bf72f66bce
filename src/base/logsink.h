/* SPDX-License-Identifier: MIT */
/*
 * The log's target: stderr, a file, or syslog (datagrams of RFC 3164, without syslog(3), whose
 * descriptor is unknown and which may block). It never blocks. A line that is not accepted is lost
 * whole and counted; the rest of a line that was accepted in part is kept and written first the
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

/* The longest line that is written whole, with its newline; at most LOGLINE_SIZE. */
size_t logsink_most(void);

/* As logfile_warns. Also false when the log is not a file. */
bool logsink_warns(const char *path, char *text);

/*
 * Writes the kept rest of an earlier line. True when a new line may follow; otherwise a new line
 * would be lost. A file that is gone has no room.
 */
bool logsink_has_room(void);

/*
 * Writes a line with its newline; for syslog with that priority of syslog(3). Call it after
 * logsink_has_room. Returns false when the line is lost, which the caller may count.
 */
bool logsink_write(int priority, const char *line, size_t length);

/* Counts one lost line. */
void logsink_lose(void);

/*
 * Returns the number of lost lines of this process that were not reported yet, and the reason for
 * the last loss in *why. logsink_told subtracts the reported ones.
 */
uint64_t logsink_lost(const char **why);
void logsink_told(uint64_t lines);

/* True while output is pending: the rest of a line, or the number of lost lines. */
bool logsink_owes(void);

/* Forgets the parent's lost lines, the rest of its line, and its counter. */
void logsink_forget(void);

#define LOGSINK_SYSLOG_PATH "/dev/log"

/*
 * Opens a non-blocking, close-on-exec socket connected to the daemon at path. Returns -1 with errno
 * set. Reads the time zone, so call it before a chroot.
 */
int logsink_syslog_open(const char *path);

/*
 * In the child of a fork: replaces the parent's socket by one of the child's own, under the same
 * descriptor number.
 */
void logsink_syslog_part(int fd, const char *path);

/*
 * Sends the text with a priority of syslog(3). Reconnects the socket when the daemon was restarted.
 * Never blocks: returns false with errno set when the text is lost (EAGAIN: the daemon does not
 * read). Does not allocate.
 */
bool logsink_syslog_send(int fd, const char *path, int priority, const char *text, size_t length);

#endif
