/* SPDX-License-Identifier: MIT */
/* Makes upstreams. It judges no server (services/proxy/health.h) and chooses none (choose.h). */
#include "services/proxy/upstream.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "stats/servers.h"

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)

static bool fill_server(struct upstream *u, unsigned index)
{
	struct server *server = &u->list[index];
	int64_t most = u->conf->max_connections;
	struct err err;
	int row;

	if (!conf_upstream_server(u->conf, index, &server->conf, &err))
		return false;
	row = server_find(u->board, u->conf->title, server->conf.address);
	if (row < 0)
		return false;
	server->row = (unsigned)row;
	server->most = server->conf.max_connections > 0 ? server->conf.max_connections :
							  (uint32_t)most;
	u->has_places |= server->most > 0;
	server->key = hash_bytes(server->conf.address, strlen(server->conf.address));
	server->has_name = conf_upstream_is_name(&server->conf);
	/* numbers alone: the resolver is not asked */
	return server->has_name ||
	       addr_resolve(server->conf.address, &server->address, 1, &err) == 1;
}

/* The server that is most behind its share comes next, as in nginx's smooth round robin. */
static unsigned find_next(const struct upstream *u, int32_t *credits)
{
	unsigned best = 0;

	for (unsigned i = 0; i < u->count; i++) {
		credits[i] += (int32_t)u->list[i].conf.weight;
		if (credits[i] > credits[best])
			best = i;
	}
	credits[best] -= (int32_t)u->weights;
	return best;
}

static bool make_schedule(struct upstream *u)
{
	int32_t credits[CONF_SERVERS_MOST] = { 0 };

	for (unsigned i = 0; i < u->count; i++)
		u->weights += u->list[i].conf.weight;
	u->schedule = malloc(u->weights);
	for (uint32_t i = 0; u->schedule && i < u->weights; i++)
		u->schedule[i] = (uint8_t)find_next(u, credits);
	return u->schedule;
}

/* The text was checked with the configuration. */
static void read_source(struct upstream *u)
{
	struct net net;
	struct err err;

	if (u->conf->bind_source[0] != '\0' && net_read(u->conf->bind_source, &net, &err))
		u->source = net_to_addr(&net, 0);
}

struct upstream *upstream_new(const struct upstream_conf *conf, struct scoreboard *board)
{
	struct upstream *u = calloc(1, sizeof(*u));
	bool done = u;

	if (u)
		*u = (struct upstream){ .conf = conf, .board = board, .shared = board->servers };
	for (size_t i = 0; done && i < conf->server.count; i++)
		done = fill_server(u, u->count++);
	if (done && make_schedule(u)) {
		read_source(u);
		return u;
	}
	upstream_free(u);
	return NULL;
}

void upstream_free(struct upstream *u)
{
	if (u)
		free(u->schedule);
	free(u);
}

struct upstream **upstreams_new(const struct conf *conf, struct scoreboard *board, unsigned *count)
{
	struct upstream **list = calloc(conf->upstream_count + 1, sizeof(struct upstream *));

	*count = 0;
	for (size_t i = 0; list && i < conf->upstream_count; i++) {
		if (!conf_upstream_has_listener(conf, &conf->upstreams[i]))
			continue;
		list[*count] = upstream_new(&conf->upstreams[i], board);
		if (!list[(*count)++])
			return NULL;
	}
	return list;
}

/* By listen of the worker's configuration; written by upstreams_add, before the worker serves. */
static struct upstream **added;
static const struct conf *own_conf;

const struct upstream *upstreams_of(const struct listen_conf *listen)
{
	return added[listen - own_conf->listeners];
}

static struct upstream *find_added(const struct upstream_conf *conf)
{
	for (size_t i = 0; i < own_conf->listener_count; i++)
		if (added[i] && added[i]->conf == conf)
			return added[i];
	return NULL;
}

bool upstreams_add(const struct conf *conf, struct scoreboard *board,
		   const struct listen_conf *listen)
{
	const struct upstream_conf *wanted = conf_upstream_of(conf, listen);
	struct upstream **own;

	own_conf = conf;
	if (!added)
		added = calloc(conf->listener_count, sizeof(struct upstream *));
	if (!added)
		return false;
	own = &added[listen - conf->listeners];
	*own = find_added(wanted);
	if (!*own)
		*own = upstream_new(wanted, board);
	return *own;
}

const struct server *upstream_find(const struct upstream *u, unsigned row)
{
	for (unsigned i = 0; i < u->count; i++)
		if (u->list[i].row == row)
			return &u->list[i];
	return NULL;
}

unsigned upstream_address(const struct upstream *u, const struct server *server, uint32_t turn,
			  struct addr *address)
{
	struct addr list[SERVER_ADDRESSES];
	unsigned count = 1;

	if (server->has_name)
		count = server_read_names(&u->board->server_names[server->row], list);
	else
		*address = server->address;
	if (server->has_name && count > 0)
		*address = list[turn % count];
	return count;
}

uint32_t upstream_turn(const struct upstream *u, const struct server *server)
{
	return atomic_fetch_add_explicit(&upstream_shared(u, server)->address_turn, 1,
					 memory_order_relaxed);
}

bool upstream_is_withheld(const struct upstream *u, const struct server *server)
{
	return server->conf.is_down || LOAD(u->board->server_rows[server->row].is_drained) != 0;
}
