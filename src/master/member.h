/* SPDX-License-Identifier: MIT */
/*
 * One place in a generation: its worker is started, watched, told to leave, and replaced when it
 * dies. What kind of death it was is decided here and nowhere else. Master only.
 */
#ifndef MASTER_MEMBER_H
#define MASTER_MEMBER_H

#include <stdint.h>

#include "master/generation.h"
#include "master/roster.h"

/* How much longer than shutdown_timeout the master waits for a worker that bounds itself by it. */
enum { MEMBER_MARGIN_MS = 2000 };

/* Lets an EMPTY member's worker start in that seat at the next roster_start_due. */
void member_want(struct member *member, unsigned seat, int64_t now_ms);

/* Starts a WAITING member's worker; when the system refuses, it waits on, longer each time. */
void member_start(struct roster *roster, struct generation *generation, unsigned number,
		  int64_t now_ms);

/* Takes note of a worker that waitpid(2) has reported, and decides whether it is to be replaced. */
void member_bury(struct roster *roster, struct generation *generation, unsigned number, int status,
		 int64_t now_ms);

/* Notes whether the worker has said since it was forked that it is ready. */
void member_look(struct generation *generation, unsigned number);

/*
 * Tells the worker to leave by that signal; it gets SIGKILL at kill_ms unless that is set already
 * for an earlier time. A WAITING one is no longer wanted, an EMPTY one left alone.
 */
void member_retire(struct generation *generation, unsigned number, int signal, int64_t kill_ms);

/* When a worker of this generation that is told to leave now has to be gone. */
int64_t member_deadline_ms(const struct generation *generation, int64_t now_ms);

#endif
