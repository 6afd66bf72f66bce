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

struct roster {
	struct scoreboard *board;
	struct pidpage *page;        /* pids of kept workers; NULL where there are none (tests) */
	int bells;                   /* an epoll of all workers' bells: they are rung */
	struct generation *current;  /* NULL until the first one is ready */
	struct generation *starting; /* NULL but during the start and a reload */
	struct generation *retiring; /* a list: told to leave, not all gone */
	unsigned last_id;
	struct strangers strangers;
	bool has_more;    /* children that are dead may be waiting for the next roster_reap */
	struct err fatal; /* why the server has to end; "" as long as it has not */
	/* spawn_worker, but in tests. */
	pid_t (*spawn)(struct roster *roster, struct generation *generation, unsigned number);
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
 * next roster_start_due. False with err (CODE_OSERR) when the scoreboard has no room; then the
 * generation stays the caller's.
 */
bool roster_begin(struct roster *roster, struct generation *generation, int64_t now_ms,
		  struct err *err);

/*
 * Takes the workers that have rung off the list of those that have; who has something to say is
 * seen by looking at every slot. It never waits, whatever a worker does to its bell.
 */
void roster_hear_bells(const struct roster *roster);

/* The starting generation becomes the current one; returns the one that was (NULL: none). */
struct generation *roster_promote(struct roster *roster);

/*
 * Tells all workers of a generation to leave by that signal, with SIGKILL at kill_ms, and moves
 * it to the retiring ones. Its listeners must be closed.
 */
void roster_retire(struct roster *roster, struct generation *generation, int signal,
		   int64_t kill_ms);

/*
 * Reaps every child that is dead: workers and keepers, the roster's `other`, and strangers. Of
 * those only so many in a turn, so that a worker cannot keep the master at it: then has_more is
 * set, and workers and keepers are looked for by name.
 */
void roster_reap(struct roster *roster, int64_t now_ms);

/* Starts every worker that is due; kills every one whose time is over; notes who is ready. */
void roster_start_due(struct roster *roster, int64_t now_ms);
void roster_kill_due(struct roster *roster, int64_t now_ms);
void roster_look(struct roster *roster);

/* Frees the retiring generations of which nobody lives any more. */
void roster_sweep(struct roster *roster);

/* Sends the signal to every living worker. */
void roster_signal(const struct roster *roster, int signal);

/* True while a worker of a retiring generation has not said yet that it has stopped accepting. */
bool roster_has_acceptor(const struct roster *roster);

/* How many workers live, in all generations. */
unsigned roster_alive(const struct roster *roster);

/*
 * When roster_reap, roster_start_due or roster_kill_due has something to do next, or otherwise_ms.
 */
int64_t roster_due_ms(const struct roster *roster, int64_t otherwise_ms);

/* One worker more or less in the current generation; false: there is no room, or one is left. */
bool roster_more(struct roster *roster, int64_t now_ms);
bool roster_less(struct roster *roster, int64_t now_ms);

/* Retires workers of a generation that are more than it wants, those that wait first. */
void roster_trim(struct generation *generation, int64_t now_ms);

/* Goes through all generations: pass NULL first, then what it returned; NULL after the last. */
struct generation *roster_next(const struct roster *roster, const struct generation *after);

#endif
