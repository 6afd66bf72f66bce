/* SPDX-License-Identifier: MIT */
/*
 * Datagrams to the system's log (RFC 3164), without syslog(3), whose descriptor nobody knows and
 * whose sending may wait. For base/log.
 */
#ifndef BASE_SYSLOGD_H
#define BASE_SYSLOGD_H

#include <stdbool.h>
#include <stddef.h>

#define SYSLOGD_PATH "/dev/log"

/*
 * A non-blocking, close-on-exec socket connected to the daemon at path; -1 with errno. Reads the
 * time zone: before a chroot.
 */
int syslogd_open(const char *path);

/*
 * In the child of a fork: puts a socket of the child's own in the place of its parent's, under the
 * same number.
 */
void syslogd_part(int fd, const char *path);

/*
 * Sends the text with a priority of syslog(3); connects the socket anew when the daemon was
 * restarted. Never waits: false with errno when the text is lost (EAGAIN: the daemon does not
 * read). Allocates nothing.
 */
bool syslogd_send(int fd, const char *path, int priority, const char *text, size_t length);

#endif
