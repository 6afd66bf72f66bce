/* SPDX-License-Identifier: MIT */
/*
 * Every generation with every worker, as the master has noted them. The master trusts its own notes
 * alone: from the scoreboard it takes a worker's readiness and heartbeat, no pid. Master only.
 */
#ifndef MASTER_PROCS_H
#define MASTER_PROCS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "master/generation.h"
#include "master/keeper.h"
#include "master/ticket_memory.h"
#include "stats/limit_memory.h"
#include "stats/scoreboard.h"

/* Children that the master has not made, and that no log line has named yet. */
struct unknown_children {
	pid_t last;
	unsigned count;
	int64_t logged_ms; /* when the last line was written; 0: never */
};

struct procs {
	struct scoreboard *board;
	struct limit_memory *limits;   /* of all workers; NULL: none (tests) */
	struct ticket_memory *tickets; /* of all workers; NULL: none (tests) */
	struct keeper_pids *page;      /* pids of kept workers; NULL where there are none (tests) */
	struct loop *loop;             /* the master's, in which programs are heard */
	int bells;                   /* an epoll of all workers' bells, readable when one is rung */
	struct generation *current;  /* NULL until the first one is ready */
	struct generation *starting; /* NULL except during the start and a reload */
	struct generation *retiring; /* a list: told to leave, not all gone */
	unsigned last_id;
	struct unknown_children unknown;
	pid_t closer; /* the child that closes the doors of a generation that is gone; 0: none */
	int64_t closer_kill_ms; /* when it is told to exit */
	bool has_more;          /* dead children may be waiting for the next workers_reap */
	bool is_stopping;       /* helpers have to leave fast */
	struct err fatal;       /* why the server has to end; "" as long as it has not */
	/* spawn_worker, except in tests. */
	pid_t (*spawn)(struct procs *procs, struct generation *generation, unsigned number);
	/* A child that is no worker is dead. Returns true when it was known. */
	bool (*other)(void *owner, pid_t pid, int status);
	/* True for such a child, before its death. */
	bool (*is_other)(const void *owner, pid_t pid);
	/*
	 * Reads the signals that were sent to the master before. A child is dead, and its exit is
	 * about to be judged: Ctrl-C reaches the master before a worker can die of it, but not
	 * before the last reading of signals.
	 */
	void (*read_signals)(void *owner);
	void *owner; /* of other, is_other and read_signals */
};

/* Iterates over all generations: pass NULL first, then the last result; NULL after the last. */
static inline struct generation *procs_next(const struct procs *procs,
					    const struct generation *after)
{
	if (!after && procs->current)
		return procs->current;
	if ((!after || after == procs->current) && procs->starting)
		return procs->starting;
	if (!after || after == procs->current || after == procs->starting)
		return procs->retiring;
	return after->next;
}

#endif
