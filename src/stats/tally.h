/* SPDX-License-Identifier: MIT */
/*
 * The workers in a scoreboard: the taken slots, and the number of the worker in each. It is
 * collected once, so that sums over a worker, a listener or all workers need not visit every slot
 * of the board. A tally becomes outdated: a later worker is missing in it, and a worker that left
 * is not counted twice.
 */
#ifndef STATS_TALLY_H
#define STATS_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/scoreboard.h"

struct tally {
	uint16_t count;                     /* number of taken slots */
	uint16_t numbers;                   /* 1 + the highest number that has lived; 0: none */
	uint16_t slots[SCOREBOARD_SLOTS];   /* their indexes, in order */
	uint16_t first[SCOREBOARD_WORKERS]; /* 1 + a slot of the worker with that number; 0: none */
	uint16_t next[SCOREBOARD_SLOTS];    /* 1 + another slot of the same number; 0: none */
	bool has_lived[SCOREBOARD_WORKERS]; /* or is alive */
};

/* Collects the tally of the board, which may hold any values. Any process. */
void tally_look(struct tally *taken, const struct scoreboard *board);

/*
 * Sums of the counts of all workers of that number, dead and living; of all workers; and of all
 * workers for one listener. Counters never fall from one call to the next, not even while the
 * master folds a slot. number < SCOREBOARD_WORKERS, row < METRIC_LISTENERS. Any process.
 */
void tally_worker(const struct tally *taken, const struct scoreboard *board, unsigned number,
		  struct worker_tally *out);
void tally_all(const struct tally *taken, const struct scoreboard *board, struct worker_tally *out);
void tally_listener(const struct tally *taken, const struct scoreboard *board, unsigned row,
		    struct listener_tally *out);

/* Sets *out to the sum over all workers. Any process. */
void tally_total(const struct scoreboard *board, struct worker_tally *out);

/*
 * Returns the sum of a row of scope WORKER or LISTENER over all workers. Counters never fall, not
 * even while the master folds a slot. Any process.
 */
uint64_t tally_sum(const struct scoreboard *board, enum metric metric);

#endif
