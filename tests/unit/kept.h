/* SPDX-License-Identifier: MIT */
/*
 * One member of a generation in force, with a keeper and a worker that only wait, on a clock that
 * the test moves. Shared by the tests of the member's states and of its deaths.
 */
#ifndef UNIT_KEPT_H
#define UNIT_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "master/workers.h"

enum { KEPT_ACCEPTED = 2, KEPT_LATER_MS = RESPAWN_BACKOFF_MOST_MS };

struct kept {
	struct procs *procs;
	struct generation *generation;
	struct member *member;
	struct slot *slot;
	int64_t now_ms;
	unsigned accepts;  /* connections of each new worker; KEPT_ACCEPTED by default */
	bool keeper_stays; /* ignores the order to leave; false by default */
};
extern struct kept kept; /* made anew for each test */

/* Setup and teardown. The member is EMPTY, and nothing is logged. */
int kept_make(void **state);
int kept_free(void **state);

/* Starts the worker that is due: for a kept member only its keeper, or an order to it. */
void kept_start(void);

/*
 * The keeper clones the worker that it was told to clone, which takes over the connections and
 * accepts some more. Does nothing without a keeper or an order.
 */
void kept_clone(void);

/* The worker reports that it is ready. */
void kept_report_ready(void);

/* The worker ends all its connections. */
void kept_drain(void);

/* The worker takes over so many connections from others, and hands some of its own to others. */
void kept_move(unsigned in, unsigned out);

/* Kills the worker, the keeper, or both with SIGKILL, and reaps them. */
void kept_kill_worker(void);
void kept_kill_keeper(void);
void kept_kill_both(void);

/* The worker exits with that code (0 or CODE_NO_RESPAWN) and is reaped. */
void kept_exit_worker(int code);

/* Ends the remaining processes and frees the member. */
void kept_clear(void);

#endif
