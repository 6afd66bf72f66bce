/* SPDX-License-Identifier: MIT */
/*
 * The accept queues of the generation in force: each listener's length, peak and drops in its row
 * of the scoreboard, and a warning when a queue was too short. Accepts no connection and changes no
 * socket. Master only.
 */
#ifndef MASTER_QUEUES_H
#define MASTER_QUEUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sockdiag.h"
#include "master/generation.h"
#include "master/procs.h"
#include "master/sampling/queue_alarm.h"
#include "net/accept_queue.h"

struct queues_socket {
	struct accept_queue queue;
	unsigned listener; /* index in the generation's listeners */
	unsigned number;   /* among the sockets of that listener */
};

/* A count of all workers. */
struct queues_count {
	uint64_t seen;   /* at the last call */
	int64_t grew_ms; /* when it was last seen to grow; 0: never */
};

struct queues {
	unsigned generation; /* that has these sockets; 0: none */
	struct queues_socket *list;
	unsigned count;
	struct sockdiag diag;
	bool has_warned;                             /* that unix sockets cannot be read */
	uint64_t scrapes;                            /* as counted at the last call */
	struct queues_count pauses;                  /* of workers without descriptors or memory */
	struct queues_count rates[METRIC_LISTENERS]; /* clients that wait for `rate`, by row */
	struct queue_alarm alarms[METRIC_LISTENERS];
};

void queues_start(struct queues *queues);
void queues_stop(struct queues *queues);

/*
 * Reads the sockets of the current generation and writes the rows of the scoreboard; rows whose
 * listener is in no configuration any more become LISTENER_GONE. A row whose sockets cannot all be
 * read this time is left as it was.
 */
void queues_look(struct queues *queues, const struct procs *procs, int64_t now_ms);

/* Returns the number of connections that wait in all rows. */
uint64_t queues_waiting(const struct scoreboard *board);

#endif
