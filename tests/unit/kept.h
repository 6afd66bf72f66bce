/* SPDX-License-Identifier: MIT */
/*
 * One member of a generation in force, with a keeper and a worker that only wait: what the tests of
 * the member's states and of its deaths share. On a clock that the test moves.
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
	unsigned accepts;  /* what each worker does; KEPT_ACCEPTED unless the test changes it */
	bool keeper_stays; /* when it is told to leave; false unless the test changes it */
};
extern struct kept kept; /* made anew for each test */

/* Setup and teardown. The member is EMPTY, and nothing is logged. */
int kept_make(void **state);
int kept_free(void **state);

/* Starts the worker that is due: of a kept member only its keeper, or an order to it. */
void kept_start(void);

/*
 * The keeper clones the worker that was asked of it, which takes over what is there and accepts
 * some more. Nothing when there is no keeper, or none is wanted.
 */
void kept_clone(void);

/* The worker says that it is ready. */
void kept_report_ready(void);

/* The worker ends all its connections. */
void kept_drain(void);

/* One of the two, or both, die of SIGKILL and are reaped. */
void kept_kill_worker(void);
void kept_kill_keeper(void);
void kept_kill_both(void);

/* The worker exits with that code (0 or CODE_NO_RESPAWN) and is reaped. */
void kept_exit_worker(int code);

/* Ends what is left, and frees the member. */
void kept_clear(void);

#endif
