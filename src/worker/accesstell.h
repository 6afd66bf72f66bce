/* SPDX-License-Identifier: MIT */
/* What the access log tells of a connection, from its record. Each only when accesslog_is_on. */
#ifndef WORKER_ACCESSTELL_H
#define WORKER_ACCESSTELL_H

#include "worker/accessline.h"
#include "worker/pool.h"

/* One that has ended; its record is as it was at the end. */
void accesstell_ended(const struct conns *all, const struct conn *c);

/* One that was let in no further than to its address. */
void accesstell_refused(const struct conns *all, unsigned listener, const struct addr *remote);

/* For worker/record_check, which tells of connections too: the field what, and the field state. */
#define ACCESSTELL_CONNECTION "connection"
const char *accesstell_state(char *state, enum close_reason reason, char phase);

#endif
