/* SPDX-License-Identifier: MIT */
/* The server's notifications to the service manager (sd_notify(3)). Master only. */
#ifndef NET_SD_NOTIFY_H
#define NET_SD_NOTIFY_H

#include <stdint.h>

struct sd_notify {
	char status[128];    /* the line that was sent last */
	int64_t watchdog_ms; /* when WATCHDOG=1 was sent last */
};

/* Changes of state, sent at once. */
void sd_notify_ready(void);
void sd_notify_reloading(void);

/* The server will have stopped within that time: the manager must not kill it before. */
void sd_notify_stopping(int64_t within_ms);

/* Sends a status line that has changed, and WATCHDOG=1 when it is due. */
void sd_notify_step(struct sd_notify *last, const char *doing, unsigned workers, int64_t now_ms);

/* When WATCHDOG=1 is due, or otherwise_ms. */
int64_t sd_notify_due_ms(const struct sd_notify *last, int64_t otherwise_ms);

#endif
