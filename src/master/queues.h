/* SPDX-License-Identifier: MIT */
/*
 * The accept queues, row by row of the scoreboard: how long each listener's is, how long it was,
 * what was dropped, and a warning when one was too short. Master only.
 */
#ifndef MASTER_QUEUES_H
#define MASTER_QUEUES_H

#include <stdint.h>

#include "master/procs.h"
#include "master/queue_alarm.h"
#include "master/sockets.h"

struct queues {
	struct sockets sockets;
	uint64_t scrapes; /* as counted at the last look */
	struct queue_alarm overflows[METRIC_LISTENERS];
};

void queues_start(struct queues *queues);
void queues_stop(struct queues *queues);

/*
 * Looks at the sockets of the current generation and writes the rows of the scoreboard; rows whose
 * listener is in no configuration any more become LISTENER_GONE. A row of which the kernel does not
 * tell all this time is left as it was.
 */
void queues_look(struct queues *queues, const struct procs *procs, int64_t now_ms);

/* How many connections wait in all rows. */
uint64_t queues_waiting(const struct scoreboard *board);

#endif
