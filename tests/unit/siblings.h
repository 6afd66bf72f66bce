/* SPDX-License-Identifier: MIT */
/* Some workers that pass connections to each other; all their descriptors are in one table. */
#ifndef UNIT_SIBLINGS_H
#define UNIT_SIBLINGS_H

#include "unit/sibling.h"

enum { SIBLINGS_MOST = 3, SIBLINGS_PLACES = 100, SIBLINGS_FDS = 4096 };

struct siblings {
	struct scoreboard *board;
	struct hints hints;
	struct wire wires[SIBLINGS_MOST];
	int doorbells[SIBLINGS_MOST];
	struct sibling list[SIBLINGS_MOST]; /* by slot */
	uint16_t port;                      /* of the next worker's first listener; 1 at first */
	uint32_t places;                    /* of the next worker; SIBLINGS_PLACES at first */
	uint8_t owners[SIBLINGS_FDS];       /* of descriptors */
	unsigned open;                      /* descriptors at siblings_count_open */
};

/* Prepares slots and doors, without a worker; asserts at the end that no descriptor is left. */
void siblings_begin(struct siblings *all);
void siblings_end(struct siblings *all);

/* Notes that the descriptor is the test's, and returns it; siblings_close closes it. */
int siblings_keep(struct siblings *all, int fd);
void siblings_close(struct siblings *all, int fd);

/* True for an open descriptor that, apart from w, has no known owner. */
bool siblings_is_free(const struct siblings *all, const struct sibling *w, int fd);

/* Turns all workers until none has an event, or many times. */
void siblings_settle(struct siblings *all);

/*
 * The client sends text; it receives exactly that text once all have settled, and the end if
 * `ended`.
 */
void siblings_say(int client, const char *text);
void siblings_expect(struct siblings *all, int client, const char *text, bool ended);

/* Notes how many descriptors are open; asserts that so many are. */
void siblings_count_open(struct siblings *all);
void siblings_assert_open(const struct siblings *all);

/*
 * Asserts that there are exactly so many connections, each in one worker, which serves it, and that
 * the counts of each worker and of all agree.
 */
void siblings_assert_sole(struct siblings *all, unsigned connections);

#endif
