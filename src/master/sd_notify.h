/* SPDX-License-Identifier: MIT */
/* What the service manager is told of the server's state. Master only. */
#ifndef MASTER_SD_NOTIFY_H
#define MASTER_SD_NOTIFY_H

#include <stdint.h>

#include "master/server.h"

/* Changes of state, sent at once. */
void sd_notify_ready(void);
void sd_notify_reloading(void);
void sd_notify_stopping(void);

/* Tells a changed status line, and that the server lives, when it is time to. */
void sd_notify_step(struct server *server, int64_t now_ms);

/* When sd_notify_step has to tell that the server lives, or otherwise_ms. */
int64_t sd_notify_due_ms(const struct server *server, int64_t otherwise_ms);

#endif
