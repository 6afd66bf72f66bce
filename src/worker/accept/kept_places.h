/* SPDX-License-Identifier: MIT */
/*
 * The places that the workers of a new generation keep for the connections of the old one. Without
 * them, after the reload of a full server, clients that wait in the accept queue would take the
 * places of connections that are established. Worker only.
 */
#ifndef WORKER_ACCEPT_KEPT_PLACES_H
#define WORKER_ACCEPT_KEPT_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/scoreboard.h"

struct kept_places {
	const struct scoreboard *board;
	const struct slot *own;   /* this worker's slot */
	const struct slot *peers; /* the slots of its generation, and their count */
	unsigned peer_count;
	uint32_t places;  /* of each worker */
	int64_t until_ms; /* then no more are kept; 0: none are */
	bool is_moving;   /* an old worker has begun */
};

/* Begins at the start of the worker. The caller has set the other fields. */
void kept_places_start(struct kept_places *kept, int64_t now_ms);

/*
 * True while connections of older workers may still come in and need all the places that the
 * workers of this generation have left: none is left for a new connection.
 */
bool kept_places_are_all(struct kept_places *kept, int64_t now_ms);

#endif
