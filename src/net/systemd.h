/* SPDX-License-Identifier: MIT */
/*
 * The protocols of the service manager: sd_notify(3) and LISTEN_FDS (sd_listen_fds(3)) without the
 * library. Without NOTIFY_SOCKET, systemd_notify does nothing and succeeds. Master only.
 */
#ifndef NET_SYSTEMD_H
#define NET_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * Reads and unsets NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, LISTEN_PID, LISTEN_FDS,
 * LISTEN_FDNAMES. Call it once, early in main.
 */
void systemd_start(void);

/* Sends the lines ("READY=1\nSTATUS=..."). Returns false with errno set when the send failed. */
bool systemd_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns the manager's socket as NOTIFY_SOCKET names it; "" without one. */
const char *systemd_manager(void);

/* Returns half of the manager's watchdog interval, in milliseconds; 0: no watchdog. */
int64_t systemd_watchdog_ms(void);

/*
 * Returns the passed stream socket that listens on `addr`, close-on-exec and non-blocking, or -1.
 * Each is returned once and then owned by the caller.
 */
int systemd_take_listener(const struct addr *addr);

/* True when systemd_take_listener would return a socket. */
bool systemd_has_listener(const struct addr *addr);

/*
 * Returns the address of the next passed, listening stream socket that is not taken, from *number
 * (initially 0) on; false when none is left.
 */
bool systemd_next_listener(unsigned *number, struct addr *addr);

/* Returns the number of passed descriptors that are not taken. */
unsigned systemd_count_listeners(void);

/* Closes the passed sockets that are not taken. Returns their number. */
unsigned systemd_drop_listeners(void);

#endif
