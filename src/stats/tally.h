/* SPDX-License-Identifier: MIT */
/*
 * Who lives in a scoreboard: which slots are taken, and by the worker of which number. Looked up
 * once, so that sums over a worker, a listener or all of them need not go through every slot of the
 * board. It grows old: a worker that came later is not in it, one that left adds nothing twice.
 */
#ifndef STATS_TALLY_H
#define STATS_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/scoreboard.h"

struct tally {
	uint16_t count;                     /* of taken slots */
	uint16_t numbers;                   /* 1 + the highest that has lived, 0: none has */
	uint16_t slots[SCOREBOARD_SLOTS];   /* their indexes, in order */
	uint16_t first[SCOREBOARD_WORKERS]; /* 1 + a slot of the worker of that number, 0: none */
	uint16_t next[SCOREBOARD_SLOTS];    /* 1 + another slot of the same number, 0: none */
	bool has_lived[SCOREBOARD_WORKERS]; /* or lives */
};

/* Looks at the board, which may hold anything. Any process. */
void tally_look(struct tally *crew, const struct scoreboard *board);

/*
 * What all workers of that number have counted, dead and living; what all of them have counted; and
 * what they have counted for one listener. Counters never fall from one call to the next, not even
 * while the master folds a slot. number < SCOREBOARD_WORKERS, row < METRIC_LISTENERS. Any process.
 */
void tally_worker(const struct tally *crew, const struct scoreboard *board, unsigned number,
		  struct worker_tally *out);
void tally_all(const struct tally *crew, const struct scoreboard *board, struct worker_tally *out);
void tally_listener(const struct tally *crew, const struct scoreboard *board, unsigned row,
		    struct listener_tally *out);

/* Sets *out to all that all workers have counted. Any process. */
void tally_total(const struct scoreboard *board, struct worker_tally *out);

/*
 * Sum of a row of scope WORKER or LISTENER over all workers: counters never fall, not even while
 * the master folds a slot. Any process.
 */
uint64_t tally_sum(const struct scoreboard *board, enum metric metric);

#endif
