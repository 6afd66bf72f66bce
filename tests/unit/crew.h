/* SPDX-License-Identifier: MIT */
/*
 * A process table with real children that serve no client, on a clock that the test sets. Shared by
 * the tests of the workers, the watchdog and the recycling.
 */
#ifndef UNIT_CREW_H
#define UNIT_CREW_H

#include <sys/types.h>

#include "master/workers.h"

enum { CREW_NOW = 1000000, CREW_WORKERS = 3 };

/* The next child's behaviour: it exits with this code, or does one of these. Set by the tests. */
enum {
	CREW_STAY = -1,   /* waits for SIGQUIT, then exits 0 */
	CREW_REFUSE = -2, /* there is no child: fork fails */
};
extern int crew_behaviour;

/* Setup and teardown of a test whose state is struct procs. */
int crew_make(void **state);
int crew_free(void **state);

/* A generation without listening sockets; override: one option in the form of -o, or NULL. */
struct generation *crew_generation(const char *override, unsigned workers);

/* Forks the workers of a starting generation at CREW_NOW. */
struct generation *crew_begin(struct procs *procs, const char *override);

/* Sets all slots of the first CREW_WORKERS to ready. */
void crew_report_ready(struct procs *procs, struct generation *generation);

/* All three: makes the generation, reports it ready, and promotes it to the current one. */
struct generation *crew_serve(struct procs *procs, const char *override);

/* Waits until the child is dead, without reaping it. */
void crew_await_death(pid_t pid);

/* Signals the member's child, which must die of the signal, and lets workers_reap reap it. */
void crew_kill(struct procs *procs, struct member *member, int signal, int64_t now_ms);

#endif
