/* SPDX-License-Identifier: MIT */
/*
 * Datagrams to the system's log (RFC 3164), without syslog(3), whose descriptor nobody knows and
 * whose sending may wait. For base/log.
 */
#ifndef BASE_SYSLOGD_H
#define BASE_SYSLOGD_H

#include <stddef.h>

#define SYSLOGD_PATH "/dev/log"

/*
 * A non-blocking, close-on-exec socket connected to the daemon at path; -1 with errno. Reads the
 * time zone: before a chroot.
 */
int syslogd_open(const char *path);

/*
 * Sends the text with a priority of syslog(3); connects the socket anew when the daemon was
 * restarted. What it cannot take now is lost. Allocates nothing.
 */
void syslogd_send(int fd, const char *path, int priority, const char *text, size_t length);

#endif
