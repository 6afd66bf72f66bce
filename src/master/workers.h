/* SPDX-License-Identifier: MIT */
/*
 * Goes through all workers for what is due: starts, kills and reaps them, in every generation. Why
 * it is due, others decide: start, reload, stop, recycling, signals. Master only.
 */
#ifndef MASTER_WORKERS_H
#define MASTER_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "master/procs.h"

/*
 * Makes the generation the starting one: deals out its slots and lets all its workers start at the
 * next workers_start_due. False with err (CODE_OSERR) when the scoreboard has no room; then the
 * generation stays the caller's.
 */
bool workers_begin(struct procs *procs, struct generation *generation, int64_t now_ms,
		   struct err *err);

/*
 * Clears the list of workers that have rung their bells: which worker has news is seen by looking
 * at every slot. Never waits, whatever a worker does to its bell.
 */
void workers_clear_bells(const struct procs *procs);

/* The starting generation becomes the current one; returns the one that was (NULL: none). */
struct generation *workers_promote(struct procs *procs);

/*
 * Tells all workers of a generation to leave by that signal, with SIGKILL at kill_ms, and moves
 * it to the retiring ones. Its listeners must be closed.
 */
void workers_retire(struct procs *procs, struct generation *generation, int signal,
		    int64_t kill_ms);

/*
 * Reaps every child that is dead: workers and keepers, procs->other, and unknown children. Of the
 * unknown ones only so many in a turn, so that a worker cannot keep the master busy: then has_more
 * is set, and workers and keepers are asked for by pid.
 */
void workers_reap(struct procs *procs, int64_t now_ms);

/* Starts every worker that is due; kills every one whose time is over; notes who is ready. */
void workers_start_due(struct procs *procs, int64_t now_ms);
void workers_kill_due(struct procs *procs, int64_t now_ms);
void workers_look(struct procs *procs);

/* Frees the retiring generations that have no living process any more. */
void workers_sweep(struct procs *procs);

/* Sends the signal to every living worker. */
void workers_signal(const struct procs *procs, int signal);

/* True while a worker of a retiring generation has not said yet that it has stopped accepting. */
bool workers_has_acceptor(const struct procs *procs);

/* How many workers live, in all generations. */
unsigned workers_alive(const struct procs *procs);

/*
 * When workers_reap, workers_start_due or workers_kill_due has something to do next, or
 * otherwise_ms.
 */
int64_t workers_due_ms(const struct procs *procs, int64_t otherwise_ms);

/* One worker more or less in the current generation; false: there is no room, or one is left. */
bool workers_more(struct procs *procs, int64_t now_ms);
bool workers_less(struct procs *procs, int64_t now_ms);

/* Retires workers of a generation that are more than it wants, those that wait first. */
void workers_trim(struct generation *generation, int64_t now_ms);

#endif
