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
#include "master/helper/helper.h"
#include "master/member.h"
#include "master/modules.h"
#include "net/listener.h"
#include "stats/scoreboard.h"
#include "worker/heritage.h"

struct programs;
struct tls_sites;

/* Room beyond `workers`: for TTIN and for the replacements of recycled workers. */
enum { GENERATION_SPARE = 16 };

struct generation {
	struct generation *next; /* in the list of retiring generations */
	struct conf *conf;
	struct identity identity;       /* of its workers, looked up once from conf */
	struct modules modules;         /* modules_take fills it in before any worker starts */
	struct listener_set *listeners; /* NULL once no more workers are to be started */
	struct listener_set served;     /* of these, copied: those whose clients workers serve */
	struct tls_sites *tls;          /* contexts of its listeners; owned; NULL: none (tests) */
	struct programs *programs;      /* that serve the others; owned; NULL: there are none */
	unsigned id;
	unsigned first_slot, capacity;
	unsigned wanted; /* number of workers that are to run */
	unsigned before; /* id of the generation that has made its doors; 0: none */
	struct slot *slots;
	struct slot_info *infos; /* of the same slots */
	struct hints hints;      /* of each worker, mapped before any of them was forked */
	struct wire *wires;      /* one for each slot, made before any worker */
	int *doorbells;          /* WIRE_DOORBELL of each */
	/* doors of the workers of the next generation, which these workers can already reach */
	int *next_doors, *next_doorbells;
	unsigned next_count; /* for as many workers as this generation has places for */
	struct member *members;
	struct helper_set helpers;
	struct err failure; /* why one of its first workers did not start; "" as long as all do */
};

/*
 * Makes a generation of `workers` workers, none of them started yet and without slots
 * (workers_begin deals them out). `before` is the generation that it is to replace, or NULL: its
 * workers can reach the new ones. Takes over conf and listeners when it succeeds. Returns NULL with
 * err (CODE_OSERR) when descriptors or memory lack.
 */
struct generation *generation_new(struct conf *conf, const struct identity *identity,
				  struct listener_set *listeners, unsigned workers,
				  const struct generation *before, struct err *err);

/*
 * Frees the generation with all it owns; its listening sockets must be closed, its workers and its
 * programs gone.
 */
void generation_free(struct generation *generation);

/*
 * Closes the doors and the helpers' links. What waits in one is closed with the last descriptor of
 * it, and the process that closes a lingering socket waits, unless it exits: another process must
 * hold them.
 */
void generation_close_doors(struct generation *generation);

/* Counts the members for which `is` is true (member_is_ready and the like). */
unsigned generation_count(const struct generation *generation,
			  bool (*is)(const struct member *member));

/*
 * Returns true once all its first workers, its helpers and the first copies of its programs are
 * ready. Returns false with err when one has failed or, at late_ms, a worker or helper is still not
 * ready; while they are awaited, err->text is left alone. `what`: "new " or "".
 */
bool generation_has_started(const struct generation *generation, const char *what, int64_t now_ms,
			    int64_t late_ms, struct err *err);

/* Returns the time that workers and programs have to become ready. */
int64_t generation_ready_ms(const struct generation *generation);

/*
 * Sets the listeners that workers serve, once their rows are known. Workers never see the sockets
 * of programs, and so close them.
 */
void generation_find_served(struct generation *generation);

/* Returns the number of an empty member, or -1. */
int generation_vacancy(const struct generation *generation);

/* Counts the staying members of the seat: two while a replacement is under way. */
unsigned generation_seated(const struct generation *generation, unsigned seat);

/* Returns the lowest free seat. */
unsigned generation_seat(const struct generation *generation);

/*
 * Returns the signal that tells a worker to leave: to pass its connections on, or to finish them.
 */
int generation_retire_signal(const struct conf *conf);

/* Returns the time by which a worker of this generation that is told to leave now must be gone. */
int64_t generation_deadline_ms(const struct generation *generation, int64_t now_ms);

/*
 * Closes the listening sockets that `kept` (NULL: none) does not share; no worker may be started
 * from then on. unlink_paths as in listener_close_all.
 */
void generation_close(struct generation *generation, const struct listener_set *kept,
		      bool unlink_paths);

/* The load of a generation's workers, from their slots. */
struct generation_load {
	unsigned workers; /* ready and staying */
	unsigned silent;  /* of these: not full, and their loop has not turned since since_ms */
	unsigned full;    /* of these: with worker_connections connections */
	uint64_t live;    /* connections of all of them */
	uint64_t fullest; /* connections of the fullest */
};

/*
 * Returns the load of the workers whose seat is served by socket number `socket` of the listener's
 * `sockets` (one socket serves all seats). A worker whose loop has not turned since since_ms is
 * silent.
 */
struct generation_load generation_load(const struct generation *generation, unsigned socket,
				       unsigned sockets, int64_t since_ms);

/* The fullest worker over the mean, in millionths: 1000000 is even, or no connections at all. */
uint64_t generation_balance_ratio(const struct generation_load *load);

#endif
