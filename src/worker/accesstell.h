/* SPDX-License-Identifier: MIT */
/* What the access log tells of a connection, from its record. Each only when accesslog_is_on. */
#ifndef WORKER_ACCESSTELL_H
#define WORKER_ACCESSTELL_H

#include "accesslog/accessline.h"
#include "worker/pool.h"

/* One that has ended; its record is as it was at the end. */
void conn_log_ended_access(const struct pool *pool, const struct conn *c);

/* One that was let in no further than to its address. */
void conn_log_refused(const struct pool *pool, unsigned listener, const struct addr *remote);

/* For worker/record_check, which tells of connections too: the field what, and the field state. */
#define ACCESSTELL_CONNECTION "connection"
const char *conn_state_letters(char *state, enum close_reason reason, char phase);

#endif
