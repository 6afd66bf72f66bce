/* SPDX-License-Identifier: MIT */
/*
 * The workers that were started from one reading of the configuration, and all that they share: the
 * configuration, the listening sockets, a row of scoreboard slots, their hints to each other, and
 * the descriptors by which each wakes the others and the master. A reload makes a new generation
 * and retires the old one. Master only.
 */
#ifndef MASTER_GENERATION_H
#define MASTER_GENERATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/conf.h"
#include "config/identity.h"
#include "master/respawn.h"
#include "net/listener.h"
#include "stats/scoreboard.h"
#include "worker/arena.h"
#include "worker/heritage.h"

/* Room beyond `workers`: for TTIN and for the replacements of recycled workers. */
enum { GENERATION_SPARE = 16 };

/*
 *        start                    retire
 * EMPTY -------> RUNNING ---------------> RETIRING --gone--> EMPTY
 *                 |  ^                                         ^
 *            died |  | due_ms                                  |
 *                 v  |              retire                     |
 *                WAITING ---------------------------------------
 */
enum member_state { MEMBER_EMPTY, MEMBER_WAITING, MEMBER_RUNNING, MEMBER_RETIRING };

struct member {
	enum member_state state;
	unsigned seat;       /* which CPU and which reuse_port sockets are its own */
	pid_t pid;           /* of the living worker, else 0 */
	pid_t keeper;        /* of the living keeper, else 0 */
	bool renews;         /* WAITING: until its keeper has left */
	bool wants_worker;   /* RETIRING: one more is to finish what the last one left */
	bool is_over;        /* RETIRING: whatever it leaves is not finished any more */
	int64_t deadline_ms; /* RETIRING: when all that it leaves is over, 0: never */
	int retire_signal;   /* RETIRING: by which it was told, or 0 */
	bool ready;          /* it has said so */
	bool hung;           /* it is being killed for it */
	int64_t due_ms;      /* WAITING: when to start */
	int64_t started_ms;  /* of the living worker */
	int64_t grace_ms;    /* its heartbeat counts as at least this late */
	int64_t kill_ms;     /* when it gets SIGKILL; 0: not */
	uint64_t held; /* connections that its dead workers left, as far as they can be believed */
	struct respawn respawn;
	struct arena *arena; /* NULL while EMPTY */
};

struct generation {
	struct generation *next; /* in the roster's list of retiring ones */
	struct conf *conf;
	struct identity identity;       /* of its workers, looked up once: conf names it */
	struct listener_set *listeners; /* NULL once no worker is to be started any more */
	unsigned id;
	unsigned first_slot, capacity;
	unsigned wanted; /* workers that are to run */
	struct slot *slots;
	struct slot_info *infos; /* of the same slots */
	struct peers hints;      /* of each worker, mapped before any of them was forked */
	struct wire *wires;      /* one for each slot, made before any worker */
	struct member *members;
	struct err failure; /* why one of its first workers did not start; "" as long as all do */
};

/*
 * A generation of `workers` workers, none of them started yet, on no slots yet (procs_begin deals
 * them out). Takes over conf and listeners when it succeeds; NULL with err (CODE_OSERR) when
 * descriptors or memory lack.
 */
struct generation *generation_new(struct conf *conf, const struct identity *identity,
				  struct listener_set *listeners, unsigned workers,
				  struct err *err);

/* Frees it with all it owns; its listening sockets must be closed and its workers gone. */
void generation_free(struct generation *generation);

/* How many members are in that state. */
unsigned generation_count(const struct generation *generation, enum member_state state);

/* How many workers live, the retiring ones included. */
unsigned generation_alive(const struct generation *generation);

/* How many workers that are to stay have said that they are ready. */
unsigned generation_ready(const struct generation *generation);

/* A number without a worker, or -1. */
int generation_vacancy(const struct generation *generation);

/* How many members that are to stay sit there: with a replacement under way it may be two. */
unsigned generation_seated(const struct generation *generation, unsigned seat);

/* The lowest seat that is free. */
unsigned generation_seat(const struct generation *generation);

/*
 * Closes the listening sockets that `kept` (NULL: none) does not share; no worker may be started
 * from then on. unlink_paths as in listener_close_all.
 */
void generation_close(struct generation *generation, const struct listener_set *kept,
		      bool unlink_paths);

#endif
