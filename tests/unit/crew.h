/* SPDX-License-Identifier: MIT */
/*
 * A procs with real children that serve nobody, on a clock that the test moves: what the tests of
 * the procs, the watchdog and the recycling share.
 */
#ifndef UNIT_CREW_H
#define UNIT_CREW_H

#include <sys/types.h>

#include "master/workers.h"

enum { CREW_NOW = 1000000, CREW_WORKERS = 3 };

/* What the next child does: it exits with this code, or one of these. Set by the tests. */
enum {
	CREW_STAY = -1,   /* until SIGQUIT, then exit 0 */
	CREW_REFUSE = -2, /* there is none: fork fails */
};
extern int crew_behaviour;

/* Setup and teardown of a test whose state is the procs. */
int crew_make(void **state);
int crew_free(void **state);

/* A generation without listening sockets; override: one option as -o has it, or NULL. */
struct generation *crew_generation(const char *override, unsigned workers);

/* Forks the workers of a starting generation at CREW_NOW. */
struct generation *crew_begin(struct procs *procs, const char *override);

/* All slots of the first CREW_WORKERS say that they are ready. */
void crew_report_ready(struct procs *procs, struct generation *generation);

/* The three together, and the generation is the current one. */
struct generation *crew_serve(struct procs *procs, const char *override);

/* Waits until the child is dead, without reaping it. */
void crew_await_death(pid_t pid);

/* Signals the member's child, which must die of it, and has the procs reap it. */
void crew_kill(struct procs *procs, struct member *member, int signal, int64_t now_ms);

#endif
