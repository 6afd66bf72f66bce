/* SPDX-License-Identifier: MIT */
/*
 * One place in a generation: its worker is started, watched, told to leave, and replaced when it
 * dies. What kind of death it was is decided here and nowhere else. Master only.
 */
#ifndef MASTER_MEMBER_H
#define MASTER_MEMBER_H

#include <stdint.h>

#include "master/generation.h"
#include "master/procs.h"

/* How much longer than shutdown_timeout the master waits for a worker that bounds itself by it. */
enum { MEMBER_MARGIN_MS = 2000 };

/* How long at most connections in a keeper's hands wait for the next worker to be tried. */
enum { MEMBER_KEPT_MOST_MS = 1000 };

/* Lets an EMPTY member's worker start in that seat at the next procs_start_due. */
void member_want(struct member *member, unsigned seat, int64_t now_ms);

/* Starts a WAITING member's worker; when the system refuses, it waits on, longer each time. */
void member_start(struct procs *roster, struct generation *generation, unsigned number,
		  int64_t now_ms);

/*
 * Learns the pid of a worker that its keeper has cloned, and notes whether the worker has said
 * since then that it is ready.
 */
void member_look(struct procs *roster, struct generation *generation, unsigned number);

/* True when a worker is to be started for it, once due_ms has come. */
bool member_wants_worker(const struct member *member);

/* The next worker starts after the delay that the life of the last one calls for. */
void member_wait(struct member *member, unsigned number, bool progressed, int64_t now_ms);

/*
 * Its worker has left by itself and nothing is to be taken over: the keeper goes too, and the next
 * worker comes with a new one.
 */
void member_renew(struct member *member, int64_t now_ms);

/* Nobody is to live here any more: frees it at once, or once its keeper has left. */
void member_leave(struct member *member, int64_t now_ms);

/*
 * Sends the signal to its living worker. A fast stop (SIGINT, SIGKILL) also means that what a
 * worker leaves is not finished.
 */
void member_signal(struct member *member, int signal);

/* SIGKILL when kill_ms has come. */
void member_kill_due(struct member *member, unsigned number, int64_t now_ms);

/*
 * Tells the worker to leave by that signal; it gets SIGKILL at kill_ms unless that is set already
 * for an earlier time. A WAITING one is no longer wanted, an EMPTY one left alone.
 */
void member_retire(struct generation *generation, unsigned number, int signal, int64_t kill_ms);

/* When a worker of this generation that is told to leave now has to be gone. */
int64_t member_deadline_ms(const struct generation *generation, int64_t now_ms);

#endif
