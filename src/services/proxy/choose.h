/* SPDX-License-Identifier: MIT */
/*
 * Chooses the server of a connection. The order: servers that are healthy, then backups that are
 * healthy, then all that have failed, since trying one is better than trying none; never one that
 * is withheld, has no address, or whose checks fail.
 */
#ifndef SERVICES_PROXY_CHOOSE_H
#define SERVICES_PROXY_CHOOSE_H

#include "services/proxy/upstream.h"

enum { CHOOSE_WORDS = SCOREBOARD_SERVERS / 64 };

/* A set of rows of servers. */
struct server_mask {
	uint64_t words[CHOOSE_WORDS];
};

static inline void server_mask_add(struct server_mask *mask, unsigned row)
{
	mask->words[row / 64 % CHOOSE_WORDS] |= UINT64_C(1) << row % 64;
}

static inline bool server_mask_has(const struct server_mask *mask, unsigned row)
{
	return (mask->words[row / 64 % CHOOSE_WORDS] >> row % 64 & 1) != 0;
}

struct choice {
	const struct upstream *upstream;
	struct server_mask tried; /* not to be chosen again */
	uint64_t source;          /* hash of the client's address */
	uint64_t random;
	int64_t now_ms;
	bool is_full; /* set: a server would have been chosen, but had max_connections */
};

/* True when a healthy server has a place for a client that waits. It claims nothing. */
bool choose_has_place(const struct upstream *upstream);

/* True when no server is left that could be chosen at another time: but for those that are down. */
bool choose_has_tried_all(const struct upstream *upstream, const struct server_mask *tried);

/* Returns the server, or NULL. */
const struct server *choose_server(struct choice *choice);

#endif
