/* SPDX-License-Identifier: MIT */
/*
 * The connections of a slot to servers of upstreams, and the clients that wait for one, counted in
 * the scoreboard (stats/server_rows.h) so that all workers know how many a server has. Worker only.
 */
#ifndef WORKER_SERVER_COUNT_H
#define WORKER_SERVER_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/server_rows.h"
#include "worker/record.h"

/* What the records of a slot count, by row; zeroed at first. */
struct server_sums {
	uint32_t live[SCOREBOARD_SERVERS], waiting[SCOREBOARD_SERVERS];
};

void server_sums_add(struct server_sums *sums, const struct record *r);

struct server_count {
	const struct scoreboard *board;
	struct server_shared *servers; /* of the board; NULL: servers are not counted */
	unsigned slot;
	struct server_sums own; /* what the scoreboard has to say of the slot, as oldest_us */
	int64_t oldest_us[SCOREBOARD_SERVERS];
	int64_t mended_ms;
};

/* The record, which names a server, counts from now on, or no longer. */
void server_count_in(struct server_count *count, const struct record *r);
void server_count_out(struct server_count *count, const struct record *r);

/* The connections of all workers to the server of that row. */
uint32_t server_count_live(const struct server_count *count, unsigned row);

/*
 * Tells the other workers when the first of this one's line came; 0: nobody waits for a place. And
 * whether one of theirs came before.
 */
void server_count_show_oldest(struct server_count *count, unsigned row, int64_t came_us);
bool server_count_has_older(const struct server_count *count, unsigned row, int64_t came_us);

/*
 * These count from now on, and nothing else of the slot: nobody is in a line. No count is lower in
 * between: another worker would take a place that is not free.
 */
void server_count_set(struct server_count *count, const struct server_sums *sums);

/*
 * After each turn: once a second, puts right what another worker has written in this one's cells.
 */
void server_count_mend(struct server_count *count, int64_t now_ms);

#endif
