/* SPDX-License-Identifier: MIT */
/*
 * Starts, kills and reaps the workers that are due, in every generation. The causes are decided
 * elsewhere: start, reload, stop, recycling, signals. Master only.
 */
#ifndef MASTER_WORKERS_H
#define MASTER_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "master/procs.h"

/*
 * Makes the generation the starting one: deals out its slots and lets all its workers start at the
 * next workers_start_due. Returns false with err (CODE_OSERR) when the scoreboard has no room; then
 * the caller still owns the generation.
 */
bool workers_begin(struct procs *procs, struct generation *generation, int64_t now_ms,
		   struct err *err);

/*
 * Clears the list of rung bells: the master looks at every slot to find the workers with news.
 * Never waits, whatever a worker does to its bell.
 */
void workers_clear_bells(const struct procs *procs);

/* Makes the starting generation the current one; returns the former current one (NULL: none). */
struct generation *workers_promote(struct procs *procs);

/*
 * Tells all workers of a generation to leave by that signal, with SIGKILL at kill_ms, and moves it
 * to the retiring ones. Its listeners must be closed.
 */
void workers_retire(struct procs *procs, struct generation *generation, int signal,
		    int64_t kill_ms);

/*
 * Reaps every dead child: workers, keepers and helpers, procs->other, and unknown children. Unknown
 * ones are limited per turn, so that a worker cannot keep the master busy: at the limit has_more is
 * set, and the others are waited for by pid.
 */
void workers_reap(struct procs *procs, int64_t now_ms);

/* Start all that are due; kill every worker and helper whose time is over; note who is ready. */
void workers_start_due(struct procs *procs, int64_t now_ms);
void workers_kill_due(struct procs *procs, int64_t now_ms);
void workers_look(struct procs *procs);

/*
 * Frees the retiring generations that have no living process any more. Helpers are told to leave
 * once the workers are gone.
 */
void workers_sweep(struct procs *procs);

/* Sends the signal to every living worker. */
void workers_signal(const struct procs *procs, int signal);

/*
 * True while a worker of a retiring generation reports a state of that range (enum slot_state):
 * STARTING to READY, it accepts, or its connections wait for a worker that takes over; MOVING, it
 * passes its connections on.
 */
bool workers_has_retiring(const struct procs *procs, uint32_t from, uint32_t to);

/* Counts the connections of the workers of retiring generations. */
uint32_t workers_retiring_live(const struct procs *procs);

/* Counts the members, in all generations, that have a worker or a keeper still to end. */
unsigned workers_alive(const struct procs *procs);

/* When workers_reap, workers_start_due or workers_kill_due is due next, or otherwise_ms. */
int64_t workers_due_ms(const struct procs *procs, int64_t otherwise_ms);

/* One worker more or less in the current generation; false: there is no room, or one is left. */
bool workers_more(struct procs *procs, int64_t now_ms);
bool workers_less(struct procs *procs, int64_t now_ms);

/* Retires workers of a generation that are more than it wants, those that wait first. */
void workers_trim(struct generation *generation, int64_t now_ms);

#endif
