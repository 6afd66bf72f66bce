/* SPDX-License-Identifier: MIT */
/*
 * Who is who: every generation with every worker, found by pid when one has died. Master only. It
 * trusts its own notes alone: from the scoreboard it takes a worker's "ready" and its heartbeat, no
 * pid.
 */
#ifndef MASTER_PROCS_H
#define MASTER_PROCS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "master/generation.h"
#include "master/pidpage.h"
#include "stats/scoreboard.h"

/* Children that nobody knows, and that nobody has been told of yet. */
struct strangers {
	pid_t last;
	unsigned untold;
	int64_t told_ms; /* when that was done last; 0: never */
};

struct procs {
	struct scoreboard *board;
	struct pidpage *page;        /* pids of kept workers; NULL where there are none (tests) */
	int bells;                   /* an epoll of all workers' bells: they are rung */
	struct generation *current;  /* NULL until the first one is ready */
	struct generation *starting; /* NULL but during the start and a reload */
	struct generation *retiring; /* a list: told to leave, not all gone */
	unsigned last_id;
	struct strangers strangers;
	bool has_more;    /* children that are dead may be waiting for the next procs_reap */
	struct err fatal; /* why the server has to end; "" as long as it has not */
	/* spawn_worker, but in tests. */
	pid_t (*spawn)(struct procs *roster, struct generation *generation, unsigned number);
	/* A child that is no worker is gone; true when it was known. */
	bool (*other)(void *owner, pid_t pid, int status);
	/*
	 * A child is dead and about to be judged: takes in what the master was told before.
	 * Ctrl-C reaches the master before a worker can die of it, but not before the last
	 * reading of signals.
	 */
	void (*hear)(void *owner);
	void *owner; /* of other and hear */
};

/*
 * Makes the generation the starting one: deals out its slots and lets all its workers start at the
 * next procs_start_due. False with err (CODE_OSERR) when the scoreboard has no room; then the
 * generation stays the caller's.
 */
bool procs_begin(struct procs *roster, struct generation *generation, int64_t now_ms,
		 struct err *err);

/*
 * Takes the workers that have rung off the list of those that have; who has something to say is
 * seen by looking at every slot. It never waits, whatever a worker does to its bell.
 */
void procs_hear_bells(const struct procs *roster);

/* The starting generation becomes the current one; returns the one that was (NULL: none). */
struct generation *procs_promote(struct procs *roster);

/*
 * Tells all workers of a generation to leave by that signal, with SIGKILL at kill_ms, and moves
 * it to the retiring ones. Its listeners must be closed.
 */
void procs_retire(struct procs *roster, struct generation *generation, int signal, int64_t kill_ms);

/*
 * Reaps every child that is dead: workers and keepers, the roster's `other`, and strangers. Of
 * those only so many in a turn, so that a worker cannot keep the master at it: then has_more is
 * set, and workers and keepers are looked for by name.
 */
void procs_reap(struct procs *roster, int64_t now_ms);

/* Starts every worker that is due; kills every one whose time is over; notes who is ready. */
void procs_start_due(struct procs *roster, int64_t now_ms);
void procs_kill_due(struct procs *roster, int64_t now_ms);
void procs_look(struct procs *roster);

/* Frees the retiring generations of which nobody lives any more. */
void procs_sweep(struct procs *roster);

/* Sends the signal to every living worker. */
void procs_signal(const struct procs *roster, int signal);

/* True while a worker of a retiring generation has not said yet that it has stopped accepting. */
bool procs_has_acceptor(const struct procs *roster);

/* How many workers live, in all generations. */
unsigned procs_alive(const struct procs *roster);

/*
 * When procs_reap, procs_start_due or procs_kill_due has something to do next, or otherwise_ms.
 */
int64_t procs_due_ms(const struct procs *roster, int64_t otherwise_ms);

/* One worker more or less in the current generation; false: there is no room, or one is left. */
bool procs_more(struct procs *roster, int64_t now_ms);
bool procs_less(struct procs *roster, int64_t now_ms);

/* Retires workers of a generation that are more than it wants, those that wait first. */
void procs_trim(struct generation *generation, int64_t now_ms);

/* Goes through all generations: pass NULL first, then what it returned; NULL after the last. */
struct generation *procs_next(const struct procs *roster, const struct generation *after);

#endif
