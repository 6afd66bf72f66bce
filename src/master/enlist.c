/* SPDX-License-Identifier: MIT */
/* Gives listeners, counters and servers of upstreams their places in the scoreboard. */
#include "master/enlist.h"

#include "base/log.h"
#include "base/sys.h"
#include "config/conf_upstream.h"
#include "stats/servers.h"

/* Counters that get no cell count nothing. */
static void name_counters(struct scoreboard *board, const struct generation *generation,
			  const struct listener *listener)
{
	size_t listen = (size_t)(listener->conf - generation->conf->listeners);

	if (!generation->modules.facts ||
	    scoreboard_name_counters(board, listener->row,
				     generation->modules.facts[listen].counters, SERVICE_COUNTERS))
		return;
	LOG(EVENT_environment_warned, LOG_STR("listen", listener->conf->address),
	    LOG_STR("message", "the modules of this listener have named so many counters since "
			       "the start that some have no place (a restart begins anew)"));
}

void enlist_listeners(struct scoreboard *board, const struct generation *generation)
{
	const struct listener_set *set = generation->listeners;
	char address[ADDR_TEXT];
	unsigned unlisted = 0;

	for (unsigned i = 0; set && i < set->count; i++) {
		struct listener *listener = &set->list[i];

		listener->row = scoreboard_enlist(board, addr_write(&listener->bound, address),
						  listener->conf->service);
		name_counters(board, generation, listener);
		listener->lent = &board->listeners[listener->row].lent;
		unlisted += listener->row == METRIC_LISTENERS - 1;
	}
	if (unlisted > 0)
		LOG(EVENT_environment_warned, LOG_NUM("listeners", unlisted),
		    LOG_STR("message",
			    "there were so many listeners since the start that these are "
			    "counted together, as other (a restart begins anew)"));
}

/* A server of an upstream that a listener uses. */
struct enlisted {
	const struct upstream_conf *upstream;
	size_t index;
	struct upstream_server server;
};

/* Moves on to the next one, from a zeroed start; false: there is none. */
static bool next_server(const struct conf *conf, struct enlisted *at)
{
	struct err err;

	if (!at->upstream)
		at->upstream = conf->upstreams;
	else
		at->index++;
	for (; at->upstream < conf->upstreams + conf->upstream_count; at->upstream++) {
		if (at->index < at->upstream->server.count &&
		    conf_upstream_has_listener(conf, at->upstream))
			return conf_upstream_server(at->upstream, at->index, &at->server, &err);
		at->index = 0;
	}
	return false;
}

static int find_row(const struct scoreboard *board, const struct enlisted *at)
{
	return server_find(board, at->upstream->title, at->server.address);
}

/* Those that have been enlisted leave again. */
static bool refuse_server(struct scoreboard *board, const struct conf *conf,
			  const struct enlisted *last, struct err *err)
{
	struct enlisted at = { 0 };

	err_errno(err, CODE_OSERR,
		  "%s: upstream.server: %s has no place in the scoreboard beside the servers of "
		  "earlier configurations that still have connections",
		  last->upstream->origin, last->server.address);
	while (next_server(conf, &at) && (at.upstream != last->upstream || at.index != last->index))
		server_leave(board, (unsigned)find_row(board, &at));
	return false;
}

bool enlist_servers(struct scoreboard *board, const struct conf *conf, struct err *err)
{
	struct enlisted at = { 0 };

	while (next_server(conf, &at))
		if (server_enlist(board, at.upstream->title, at.server.address) < 0)
			return refuse_server(board, conf, &at, err);
	return true;
}

void enlist_leave_servers(struct scoreboard *board, const struct conf *conf)
{
	struct enlisted at = { 0 };

	while (next_server(conf, &at))
		server_leave(board, (unsigned)find_row(board, &at));
}

#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

/* A server that stays is in force all the time: readers look at any moment. */
void enlist_put_servers_in_force(struct scoreboard *board, const struct conf *conf)
{
	bool is_in_force[SCOREBOARD_SERVERS] = { false };
	struct enlisted at = { 0 };

	while (next_server(conf, &at)) {
		int index = find_row(board, &at);
		struct server_row *row = &board->server_rows[index];

		STORE(row->is_down, at.server.is_down);
		STORE(row->is_backup, at.server.is_backup);
		STORE(row->weight, at.server.weight);
		STORE(row->life, SERVER_IN_FORCE);
		is_in_force[index] = true;
	}
	for (unsigned i = 0; i < scoreboard_servers(board); i++) {
		_Atomic uint32_t *life = &board->server_rows[i].life;

		if (!is_in_force[i] &&
		    atomic_load_explicit(life, memory_order_relaxed) != SERVER_NEVER)
			STORE(*life, SERVER_GONE);
	}
}

void enlist_drain_server(struct scoreboard *board, int order)
{
	bool is_drain;
	int row = server_ordered(board, order, &is_drain);
	struct server_row *server;

	if (row < 0)
		return;
	server = &board->server_rows[row];
	if ((atomic_load_explicit(&server->is_drained, memory_order_relaxed) != 0) == is_drain)
		return;
	STORE(server->is_drained, is_drain);
	if (is_drain)
		LOG(EVENT_upstream_drained, LOG_STR("upstream", server->upstream),
		    LOG_STR("server", server->address));
	else
		LOG(EVENT_upstream_undrained, LOG_STR("upstream", server->upstream),
		    LOG_STR("server", server->address));
}

static void set_limits(struct listener_limits *limits, const struct listen_conf *conf)
{
	const int64_t values[LIMITS] = {
#define LIMIT(name, ending) conf->name,
#include "tables/limits.def"
	};

	for (unsigned i = 0; i < LIMITS; i++)
		atomic_store(&limits->values[i], (uint64_t)values[i]);
	atomic_store(&limits->on_limit, (uint32_t)conf->on_limit);
}

void enlist_limits(struct scoreboard *board, const struct generation *generation)
{
	const struct listener_set *set = generation->listeners;

	for (unsigned i = 0; set && i < set->count; i++)
		set_limits(&board->listeners[set->list[i].row].limits, set->list[i].conf);
}
