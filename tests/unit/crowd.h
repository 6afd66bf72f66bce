/* SPDX-License-Identifier: MIT */
/*
 * A served listener of which a source may have CROWD_MOST connections, and its clients. The second
 * worker is only its counts. For tests of what becomes of clients beyond a limit.
 */
#ifndef UNIT_CROWD_H
#define UNIT_CROWD_H

#include "unit/limited.h"
#include "unit/served.h"

enum { CROWD_MOST = 2 };

struct crowd {
	struct limited all;
	struct limiter *other; /* the second worker's */
	struct served s;
	struct served_limits limits;
	uint16_t next_port;
};
extern struct crowd crowd; /* made anew by crowd_start */

void crowd_start(const char *service, const char *on_limit);
void crowd_stop(void);

/* A client of that address, who sends the text before it is accepted: its non-blocking end. */
int crowd_come(const char *address, const char *text);

/* Connections that have ended for that reason, and those that wait. */
uint64_t crowd_ended(enum close_reason reason);
uint64_t crowd_waiting(void);

#endif
