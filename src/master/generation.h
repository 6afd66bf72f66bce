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

#include "base/err.h"
#include "config/conf.h"
#include "config/identity.h"
#include "master/member.h"
#include "net/listener.h"
#include "stats/scoreboard.h"
#include "worker/heritage.h"

/* Room beyond `workers`: for TTIN and for the replacements of recycled workers. */
enum { GENERATION_SPARE = 16 };

struct generation {
	struct generation *next; /* in the list of retiring ones */
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
 * A generation of `workers` workers, none of them started yet, on no slots yet (workers_begin deals
 * them out). Takes over conf and listeners when it succeeds; NULL with err (CODE_OSERR) when
 * descriptors or memory lack.
 */
struct generation *generation_new(struct conf *conf, const struct identity *identity,
				  struct listener_set *listeners, unsigned workers,
				  struct err *err);

/* Frees it with all it owns; its listening sockets must be closed and its workers gone. */
void generation_free(struct generation *generation);

/* How many members are in a situation of that kind (member_is_ready and the like). */
unsigned generation_count(const struct generation *generation,
			  bool (*is)(const struct member *member));

/*
 * True once all its first workers are ready. False with err when one has failed or, is_late, one is
 * still not ready; with err->text left alone while they are awaited. `what`: "new " or "".
 */
bool generation_has_started(const struct generation *generation, const char *what, bool is_late,
			    struct err *err);

/* A number without a worker, or -1. */
int generation_vacancy(const struct generation *generation);

/* How many members that are to stay sit there: with a replacement under way it may be two. */
unsigned generation_seated(const struct generation *generation, unsigned seat);

/* The lowest seat that is free. */
unsigned generation_seat(const struct generation *generation);

/* When a worker of this generation that is told to leave now has to be gone. */
int64_t generation_deadline_ms(const struct generation *generation, int64_t now_ms);

/*
 * Closes the listening sockets that `kept` (NULL: none) does not share; no worker may be started
 * from then on. unlink_paths as in listener_close_all.
 */
void generation_close(struct generation *generation, const struct listener_set *kept,
		      bool unlink_paths);

/* How much the workers of a generation have to do, as their slots tell. */
struct generation_load {
	unsigned workers; /* that are ready and are to stay */
	unsigned silent;  /* of these: not full, and their loop has not turned since */
	unsigned full;    /* of these: with worker_connections connections */
	uint64_t live;    /* connections of all of them */
	uint64_t fullest; /* of the one that has most */
};

/*
 * The load of the workers whose seat is served by that socket, of so many of the listener (one
 * serves all seats). One whose loop has not turned since since_ms is silent.
 */
struct generation_load generation_load(const struct generation *generation, unsigned socket,
				       unsigned sockets, int64_t since_ms);

/* The fullest worker over the mean, in millionths: 1000000 is even, or nothing to share out. */
uint64_t generation_balance_ratio(const struct generation_load *load);

#endif
