/* SPDX-License-Identifier: MIT */
/*
 * The upstreams of a worker, or of a process beside the workers: the servers of each with their
 * addresses and rows in the scoreboard. Made once from the configuration; nothing of it changes.
 */
#ifndef SERVICES_PROXY_UPSTREAM_H
#define SERVICES_PROXY_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "config/conf_upstream.h"
#include "stats/scoreboard.h"

struct server {
	struct upstream_server conf;
	unsigned row;        /* in the scoreboard */
	uint32_t most;       /* connections; 0: any number */
	bool has_name;       /* its addresses are looked up */
	struct addr address; /* otherwise */
	uint64_t key;        /* for balance = hash: of its address as written */
};

struct upstream {
	const struct upstream_conf *conf;
	const struct scoreboard *board;
	struct server_shared *shared; /* of the board, by row */
	struct server list[CONF_SERVERS_MOST];
	unsigned count;
	bool has_places;    /* a server of it has max_connections */
	uint32_t weights;   /* of all servers */
	uint8_t *schedule;  /* indexes of servers, each as often as its weight: round robin */
	struct addr source; /* len 0: the kernel chooses */
};

/*
 * Makes the upstream of that configuration. Returns NULL when memory lacks or a server has no row.
 * upstream_free frees it. Allocates.
 */
struct upstream *upstream_new(const struct upstream_conf *conf, struct scoreboard *board);
void upstream_free(struct upstream *upstream);

/* The same for all upstreams that listeners use. *count is set; returns NULL when that fails. */
struct upstream **upstreams_new(const struct conf *conf, struct scoreboard *board, unsigned *count);

/*
 * In a worker: makes the upstream of that listener, unless another listener has the same one;
 * upstreams_of then finds it. Returns false when that fails.
 */
bool upstreams_add(const struct conf *conf, struct scoreboard *board,
		   const struct listen_conf *listen);
const struct upstream *upstreams_of(const struct listen_conf *listen);

/* The server in that row; NULL: the upstream has none. */
const struct server *upstream_find(const struct upstream *upstream, unsigned row);

static inline struct server_shared *upstream_shared(const struct upstream *upstream,
						    const struct server *server)
{
	return &upstream->shared[server->row];
}

/* What all workers share of the upstream itself is in the row of its first server. */
static inline struct server_shared *upstream_common(const struct upstream *upstream)
{
	return upstream_shared(upstream, &upstream->list[0]);
}

/*
 * Sets *address to the address of the server that has that turn. Returns the number of its
 * addresses; 0: it has none.
 */
unsigned upstream_address(const struct upstream *upstream, const struct server *server,
			  uint32_t turn, struct addr *address);

/* The next turn, over all workers. */
uint32_t upstream_turn(const struct upstream *upstream, const struct server *server);

/* True when the configuration, or -s drain, keeps the server from connections. */
bool upstream_is_withheld(const struct upstream *upstream, const struct server *server);

#endif
