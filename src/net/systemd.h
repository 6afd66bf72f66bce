/* SPDX-License-Identifier: MIT */
/*
 * What the service manager is told and gives: sd_notify(3) and LISTEN_FDS (sd_listen_fds(3))
 * without the library. Without NOTIFY_SOCKET everything here does nothing and succeeds. Master
 * only.
 */
#ifndef NET_SYSTEMD_H
#define NET_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * Reads and unsets NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, LISTEN_PID, LISTEN_FDS,
 * LISTEN_FDNAMES; call once, early in main.
 */
void systemd_start(void);

/* Sends the lines ("READY=1\nSTATUS=..."); false with errno when the manager could not be told. */
bool systemd_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often the manager wants WATCHDOG=1, halved, in milliseconds; 0: never. */
int64_t systemd_watchdog_ms(void);

/*
 * The passed stream socket that listens on `addr`, close-on-exec and non-blocking, given once and
 * then owned by the caller; -1: none.
 */
int systemd_take_listener(const struct addr *addr);

/* True when systemd_take_listener would give one. */
bool systemd_has_listener(const struct addr *addr);

/*
 * The address of the next passed stream socket that listens and that nobody took, from *number (0
 * at first) on; false when there is none left.
 */
bool systemd_next_listener(unsigned *number, struct addr *addr);

/* How many descriptors were passed that nobody took. */
unsigned systemd_count_listeners(void);

/* Closes passed sockets that nobody took; returns how many. */
unsigned systemd_drop_listeners(void);

#endif
