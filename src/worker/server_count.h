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

struct server_count {
	const struct scoreboard *board;
	struct server_shared *servers; /* of the board; NULL: servers are not counted */
	unsigned slot;
};

/* The record, which names a server, counts from now on, or no longer. */
void server_count_in(const struct server_count *count, const struct record *r);
void server_count_out(const struct server_count *count, const struct record *r);

/* The connections of all workers to the server of that row. */
uint32_t server_count_live(const struct server_count *count, unsigned row);

/* Nothing of the slot counts any more. */
void server_count_reset(const struct server_count *count);

#endif
