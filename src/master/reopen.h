/* SPDX-License-Identifier: MIT */
/*
 * Opening the files of log and access log anew, in the master and in all workers: whoever asked for
 * it (a log rotation) may touch the old ones once the deed is done. Master only.
 */
#ifndef MASTER_REOPEN_H
#define MASTER_REOPEN_H

#include <stdint.h>

#include "master/server.h"

/* Begins, or notes that one more is wanted after the one under way. */
void reopen_ask(struct server *server);

/* Ends it when every worker has said that it writes to the new file, or when it takes too long. */
void reopen_step(struct server *server, int64_t now_ms);

/* When reopen_step has something to do at the latest, or otherwise_ms. */
int64_t reopen_due_ms(const struct server *server, int64_t otherwise_ms);

#endif
