/* SPDX-License-Identifier: MIT */
/*
 * Tries servers for a client: chooses one, connects, and after a failure decides what follows.
 * services/proxy/proxy.c has the hooks.
 */
#include "services/proxy/proxy_try.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/sys.h"
#include "services/proxy/health.h"
#include "services/proxy/send_header.h"
#include "services/proxy/proxy_state.h"
#include "stats/servers.h"
#include "worker/conn.h"
#include "worker/limit/limit_sum.h"
#include "worker/pair/pair.h"
#include "worker/pair/pair_connect.h"

enum {
	LOOK_MS = 4,     /* between two looks for a place, by the first client that waits for one */
	RETRY_MS = 100,  /* between two tries of a client after all have failed */
	YIELDS_MOST = 5, /* looks at which a place is left to an older client of another worker */
	FULL_TRIES = 3,  /* others may take the last place of a server at the same time */
};

static void set_phase(struct conn *client, enum proxy_phase phase)
{
	struct proxy *p = conn_state(client);

	p->phase = (uint8_t)phase;
	conn_set_untimed(client, phase != PROXY_RELAYING);
	/* what the client sends meanwhile waits in its buffer */
	if (phase == PROXY_RELAYING)
		conn_set_flow(client, FLOW_BOUNDED);
}

/* The client must not take what it has, which may be nothing, for the whole answer. */
static enum verdict end_now(struct conn *client, enum close_reason reason)
{
	conn_set_close_reason(client, reason);
	conn_set_reset(client);
	return ABORT;
}

/* What came of the attempts. */
struct look {
	enum close_reason why;
	int error;      /* errno of the last one; 0: none was made */
	bool is_moving; /* a worker passes connections on: each counts twice for a moment */
};

/*
 * A unix socket with a full queue is worth a retry, and so is what this worker lacks, but not what
 * it may not do.
 */
static bool is_passing(const struct look *o)
{
	if (o->why == CLOSE_upstream_full)
		return o->is_moving;
	return (o->why == CLOSE_upstream_timeout || o->why == CLOSE_system_error) &&
	       o->error != EACCES && o->error != EPERM;
}

/* How long a client may wait in all. */
static int64_t find_patience(const struct conn *client, const struct look *o)
{
	const struct upstream_conf *conf = upstreams_of(client->conf)->conf;
	int64_t least_ms = is_passing(o) ? conf->connect_timeout : 0;

	return conf->queue_timeout > least_ms ? conf->queue_timeout : least_ms;
}

/* All that wait for the upstream, of all workers, count in the row of its first server. */
static unsigned find_row(const struct conn *client)
{
	return upstreams_of(client->conf)->list[0].row;
}

static void begin_waiting(struct conn *client)
{
	struct proxy *p = conn_state(client);

	set_phase(client, PROXY_WAITING);
	p->tried = (struct server_mask){ 0 };
	p->round = p->address = 0;
	p->failure = CLOSE_none;
	if (client->record->server != find_row(client) + 1)
		pool_set_server(client->pool, client->record, find_row(client) + 1);
}

/* For a place: then those that came before are served before. */
static void join_queue(struct conn *client)
{
	struct server_queue *queue = &client->pool->queues;

	server_queue_join(queue, client->record);
	server_queue_put_off(queue, client->record, clock_ms() + LOOK_MS);
}

/* No server can be tried now: the client waits for one, if it may. */
static enum verdict wait_for_server(struct conn *client, const struct look *o)
{
	const struct upstream *u = upstreams_of(client->conf);
	const struct proxy *p = conn_state(client);
	bool is_for_place = o->why == CLOSE_upstream_full || o->why == CLOSE_upstream_none;
	int64_t waited_ms = clock_ms() - p->waits_ms + p->waited_ds * INT64_C(100);
	int64_t left_ms = find_patience(client, o) - waited_ms;

	if (o->why == CLOSE_upstream_source && choose_has_tried_all(u, &p->tried))
		return end_now(client, o->why); /* no time mends that */
	if (left_ms <= 0)
		return end_now(client, u->conf->queue_timeout > 0 ? CLOSE_queue_timeout : o->why);
	begin_waiting(client);
	if (is_for_place)
		join_queue(client);
	else
		server_queue_leave(&client->pool->queues, client->record);
	conn_set_deadline(client, is_for_place || left_ms < RETRY_MS ? left_ms : RETRY_MS);
	return MORE;
}

/* Of one server each address is tried once in a round. */
static void note_address(struct proxy *p, const struct upstream *u, const struct server *server)
{
	if (p->address == 0 || p->row != server->row + 1) {
		p->address = 0;
		p->turn = server->has_name ? upstream_turn(u, server) : 0;
	}
	p->address++;
}

static void begin_try(struct conn *client, const struct server *server)
{
	struct proxy *p = conn_state(client);

	note_address(p, upstreams_of(client->conf), server);
	p->tries += p->tries < UINT8_MAX;
	p->round++;
	p->row = (uint8_t)(server->row + 1);
	p->begun_us = clock_us();
	p->header_size = 0;
}

/* The server was not asked: others have taken its last place, and may give it back. */
static void undo_try(struct proxy *p)
{
	p->tries--;
	p->round--;
	p->address--;
}

static enum pair_start connect_to(struct conn *client, const struct server *server)
{
	const struct upstream *u = upstreams_of(client->conf);
	struct proxy *p = conn_state(client);
	struct addr address;
	const struct pair_target target = {
		.to = &address,
		.from = &u->source,
		.row = server->row,
		.most = server->most,
		.keepalive_ms = u->conf->keepalive,
		.user_timeout_ms = u->conf->user_timeout,
	};
	unsigned count = upstream_address(u, server, p->turn + p->address - 1U, &address);
	enum pair_start start;

	errno = EHOSTUNREACH;
	start = count > 0 ? pair_connect(client, &target) : PAIR_FAILED;
	if (start != PAIR_FULL && p->address >= count)
		server_mask_add(&p->tried, server->row);
	return start;
}

static void note_failure(struct conn *client, const struct server *server, enum close_reason why)
{
	struct proxy *p = conn_state(client);

	p->failure = (uint8_t)why;
	if (server)
		health_note_failure(upstreams_of(client->conf), server, why, clock_ms());
}

static bool has_tries_left(const struct conn *client)
{
	const struct proxy *p = conn_state_const(client);

	return p->round <= upstreams_of(client->conf)->conf->retries;
}

static void leave_queue(struct conn *client)
{
	if (client->record->server > 0)
		pool_set_server(client->pool, client->record, 0);
}

static enum verdict await_connect(struct conn *client)
{
	set_phase(client, PROXY_CONNECTING);
	leave_queue(client);
	conn_set_deadline(client, upstreams_of(client->conf)->conf->connect_timeout);
	return MORE;
}

static const struct server *last_server(const struct conn *client)
{
	const struct proxy *p = conn_state_const(client);

	return p->row > 0 ? upstream_find(upstreams_of(client->conf), p->row - 1U) : NULL;
}

/* Without half_close the end of one side's stream is the end, once it has all gone out. */
enum verdict proxy_relay(struct conn *c)
{
	(void)pair_relay(c);
	return conn_in_ended(c) && buf_used(&c->in) == 0 &&
			       !upstreams_of(c->conf)->conf->half_close ?
		       FINISH :
		       MORE;
}

/* A server that accepts and resets each time must not make the client wait for ever. */
static void end_look(struct proxy *p)
{
	int64_t took_ds = (clock_ms() - p->waits_ms + 99) / 100, all_ds = p->waited_ds + took_ds;

	p->waited_ds = all_ds < UINT16_MAX ? (uint16_t)all_ds : UINT16_MAX;
	p->waits_ms = 0;
}

enum verdict proxy_begin_relay(struct conn *client)
{
	struct proxy *p = conn_state(client);
	const struct server *server = last_server(client);

	p->connect_us = clock_us() - p->begun_us;
	if (server)
		health_note_success(upstreams_of(client->conf), server, p->connect_us, clock_ms());
	conn_set_deadline(client, 0);
	end_look(p);
	leave_queue(client);
	set_phase(client, PROXY_RELAYING);
	p->header_size = (uint32_t)send_header_put(client, upstreams_of(client->conf));
	return proxy_relay(client);
}

/* The attempt has failed at once. Returns false when no other one makes sense. */
static bool note_attempt(struct conn *client, const struct server *server, int error)
{
	if (health_is_own_failure(error)) {
		pool_note_lack(client->pool, error);
		return false;
	}
	if (health_is_prevented(error))
		health_note_prevented(upstreams_of(client->conf), server, error, clock_ms());
	note_failure(client, health_is_prevented(error) || error == EAGAIN ? NULL : server,
		     close_reason_of_server(error));
	return true;
}

/* What another server needs may be there: this one is left out, and it was no try. */
static void note_unbound(struct conn *client, const struct server *server, int error)
{
	struct proxy *p = conn_state(client);

	server_mask_add(&p->tried, server->row);
	p->round--;
	if (p->failure == CLOSE_none)
		p->failure = CLOSE_upstream_source;
	health_note_unbound(upstreams_of(client->conf), server, error);
}

static const struct server *next_server(struct conn *client, bool *is_full)
{
	const struct proxy *p = conn_state(client);
	const struct net *remote = &client->record->remote;
	struct choice choice = { .upstream = upstreams_of(client->conf),
				 .tried = p->tried,
				 .source = hash_bytes((const char *)remote->bytes,
						      sizeof(remote->bytes)),
				 .random = (uint64_t)clock_us() ^ client->record->number << 32,
				 .now_ms = clock_ms() };
	const struct server *server = choose_server(&choice);

	*is_full = choice.is_full;
	return server;
}

/* Why no server is left to be tried. A full one can be used when it has room again. */
static enum close_reason find_reason(const struct conn *client, bool is_full)
{
	const struct proxy *p = conn_state_const(client);
	bool was_asked = p->failure != CLOSE_none && p->failure != CLOSE_upstream_source;

	if (was_asked || (p->failure == CLOSE_upstream_source && !is_full))
		return p->failure;
	return is_full ? CLOSE_upstream_full : CLOSE_upstream_none;
}

/* Asked before and after the look at the counts. Without max_connections no server is full. */
static bool is_moving(const struct conn *client)
{
	const struct upstream *u = upstreams_of(client->conf);

	for (unsigned i = 0; i < u->count; i++)
		if (u->list[i].most > 0)
			return limit_sum_is_moving(&client->pool->limiter);
	return false;
}

/*
 * An older client of another worker gets the place that is free, if its worker sees it soon: one
 * that is stuck keeps nobody waiting.
 */
static bool yields(struct conn *client)
{
	const struct pool *pool = client->pool;
	struct proxy *p = conn_state(client);
	bool has_place = choose_has_place(upstreams_of(client->conf));

	if (!has_place || p->yields >= YIELDS_MOST ||
	    !server_count_has_older(&pool->servers, find_row(client), client->record->opened_us)) {
		p->yields = 0;
		return false;
	}
	p->yields++;
	return true;
}

/* True when a place, if there is one, is another client's: who comes new stands behind all. */
static bool has_others_before(struct conn *client)
{
	const struct upstream *u = upstreams_of(client->conf);
	const struct proxy *p = conn_state_const(client);
	const struct record *r = client->record;

	if (r->is_queued)
		return !server_queue_is_first(&client->pool->queues, r) || yields(client);
	return u->conf->queue_timeout > 0 && u->has_places && p->tries == 0 && r->server == 0 &&
	       server_waiting(u->board, find_row(client)) > 0;
}

/* Tries servers, one after the other, until one is connecting or none is left. */
enum verdict proxy_try_servers(struct conn *client)
{
	struct proxy *p = conn_state(client);
	const struct server *server;
	struct look look = { .why = CLOSE_upstream_full, .is_moving = is_moving(client) };
	bool is_full = false;

	if (p->waits_ms == 0)
		p->waits_ms = clock_ms();
	if (find_patience(client, &look) > 0 && has_others_before(client))
		return wait_for_server(client, &look);
	for (unsigned full = 0; has_tries_left(client) && full < FULL_TRIES;) {
		server = next_server(client, &is_full);
		if (!server)
			break;
		begin_try(client, server);
		switch (connect_to(client, server)) {
		case PAIR_CONNECTING:
			return await_connect(client);
		case PAIR_CONNECTED:
			return proxy_begin_relay(client);
		case PAIR_FULL:
			full++;
			is_full = true;
			undo_try(p);
			break;
		case PAIR_UNBOUND:
			note_unbound(client, server, errno);
			break;
		case PAIR_FAILED:
			look.error = errno;
			look.why = CLOSE_system_error;
			if (!note_attempt(client, server, look.error))
				return wait_for_server(client, &look);
			break;
		}
	}
	look.why = find_reason(client, is_full);
	look.is_moving = look.is_moving || is_moving(client);
	return wait_for_server(client, &look);
}

enum verdict proxy_fail_over(struct conn *client, enum close_reason why)
{
	conn_set_deadline(client, 0);
	if (client->peer)
		conn_drop_peer(client);
	note_failure(client, last_server(client), why);
	return proxy_try_servers(client);
}
