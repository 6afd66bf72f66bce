/* SPDX-License-Identifier: MIT */
/*
 * The accept queues of the generation in force, as the kernel has them (tcp(7), SO_MEMINFO of
 * socket(7), sock_diag(7)), row by row of the scoreboard: how long each listener's is, how long it
 * was, what was dropped, and a warning when one was too short. Accepts nothing and changes no
 * socket. Master only.
 */
#ifndef MASTER_QUEUES_H
#define MASTER_QUEUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sockdiag.h"
#include "master/generation.h"
#include "master/procs.h"
#include "master/queue_alarm.h"

struct queues_socket {
	uint64_t inode; /* by which it is the same in a later generation */
	int fd;
	unsigned listener; /* of the generation's */
	unsigned number;   /* among the sockets of that listener */
	uint32_t drops;    /* as the kernel had it at the last reading */
	bool knows_drops;  /* false: what was dropped before the first reading is not ours */
	bool is_mute;      /* the kernel tells nothing of it */
};

struct queues {
	unsigned generation; /* whose sockets these are; 0: none's */
	struct queues_socket *list;
	unsigned count;
	struct sockdiag diag;
	bool has_warned;  /* that unix sockets cannot be looked at */
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
