/* SPDX-License-Identifier: MIT */
/*
 * proxy: passes connections on to the servers of an upstream (picture: services/proxy/proxy.h). It
 * decides which server is tried, and when no further one is; worker/pair relays.
 */
#include "services/proxy/proxy.h"

#include <stdlib.h>
#include <string.h>

#include "accesslog/accessline.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/sys.h"
#include "services/proxy/beside.h"
#include "services/proxy/health.h"
#include "services/services.h"
#include "worker/conn.h"
#include "worker/heritage.h"
#include "worker/pair/pair.h"
#include "worker/pair/pair_connect.h"

enum {
	LOOK_MS = 10,   /* between two looks for a server that can take a waiting client */
	FULL_TRIES = 3, /* others may take the last place of a server at the same time */
};

/* The upstreams of this process, by listen of its configuration; made by init. */
static struct upstream **upstreams;
static const struct conf *own_conf;

static const struct upstream *upstream_of(const struct conn *c)
{
	return upstreams[c->conf - own_conf->listeners];
}

/* Listeners with the same upstream share it. */
static struct upstream *find_made(const struct upstream_conf *conf)
{
	for (size_t i = 0; i < own_conf->listener_count; i++)
		if (upstreams[i] && upstreams[i]->conf == conf)
			return upstreams[i];
	return NULL;
}

static bool start(const struct heritage *heritage, const struct listen_conf *listen)
{
	const struct upstream_conf *conf = conf_upstream_of(heritage->conf, listen);
	struct upstream **own;

	own_conf = heritage->conf;
	if (!upstreams)
		upstreams = calloc(own_conf->listener_count, sizeof(struct upstream *));
	if (!upstreams)
		return false;
	own = &upstreams[listen - own_conf->listeners];
	*own = find_made(conf);
	if (!*own)
		*own = upstream_new(conf, heritage->board);
	return *own;
}

static uint64_t hash_source(const struct conn *c)
{
	const struct net *remote = &c->record->remote;

	return hash_bytes((const char *)remote->bytes, sizeof(remote->bytes));
}

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

/* No server can be tried now: the client waits for one, if it may. */
static enum verdict wait_for_server(struct conn *client, enum close_reason why)
{
	const struct upstream *u = upstream_of(client);
	struct proxy *p = conn_state(client);
	int64_t now_ms = clock_ms(), left_ms;

	if (p->waits_ms == 0)
		p->waits_ms = now_ms;
	left_ms = p->waits_ms + u->conf->queue_timeout - now_ms;
	if (u->conf->queue_timeout == 0)
		return end_now(client, p->failure != CLOSE_none ? p->failure : why);
	if (left_ms <= 0)
		return end_now(client, CLOSE_queue_timeout);
	set_phase(client, PROXY_WAITING);
	p->tried = (struct server_mask){ 0 };
	if (client->record->server == 0)
		pool_set_server(client->pool, client->record, u->list[0].row + 1);
	conn_set_deadline(client, left_ms < LOOK_MS ? left_ms : LOOK_MS);
	return MORE;
}

static void begin_try(struct conn *client, const struct server *server)
{
	struct proxy *p = conn_state(client);

	p->tries++;
	p->row = (uint8_t)(server->row + 1);
	p->begun_us = clock_us();
	p->header_size = 0;
	server_mask_add(&p->tried, server->row);
}

static enum pair_start connect_to(struct conn *client, const struct server *server)
{
	const struct upstream *u = upstream_of(client);
	struct addr address;
	const struct pair_target target = {
		.to = &address,
		.from = u->source.len > 0 ? &u->source : NULL,
		.row = server->row,
		.most = server->most,
		.keepalive_ms = u->conf->keepalive,
		.user_timeout_ms = u->conf->user_timeout,
	};

	if (upstream_address(u, server, &address) == 0) {
		errno = EHOSTUNREACH;
		return PAIR_FAILED;
	}
	return pair_connect(client, &target);
}

/* Errors that say nothing about the server: this process or host lacks something. */
static bool is_own_failure(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
	       error == EADDRNOTAVAIL || error == EACCES || error == EPERM;
}

static void note_failure(struct conn *client, const struct server *server, enum close_reason why)
{
	struct proxy *p = conn_state(client);

	p->failure = (uint8_t)why;
	if (server)
		health_note_failure(upstream_of(client), server, why, clock_ms());
}

static bool has_tries_left(const struct conn *client)
{
	const struct proxy *p = conn_state_const(client);

	return p->tries <= upstream_of(client)->conf->retries;
}

/* It waits for no server any more. */
static void leave_queue(struct conn *client)
{
	struct proxy *p = conn_state(client);

	p->waits_ms = 0;
	if (client->record->server > 0)
		pool_set_server(client->pool, client->record, 0);
}

static enum verdict await_connect(struct conn *client)
{
	set_phase(client, PROXY_CONNECTING);
	leave_queue(client);
	conn_set_deadline(client, upstream_of(client)->conf->connect_timeout);
	return MORE;
}

static const struct server *last_server(const struct conn *client)
{
	const struct proxy *p = conn_state_const(client);

	return p->row > 0 ? upstream_find(upstream_of(client), p->row - 1U) : NULL;
}

static enum verdict begin_relay(struct conn *client)
{
	struct proxy *p = conn_state(client);
	const struct server *server = last_server(client);

	p->connect_us = clock_us() - p->begun_us;
	if (server)
		health_note_success(upstream_of(client), server, p->connect_us, clock_ms());
	conn_set_deadline(client, 0);
	leave_queue(client);
	set_phase(client, PROXY_RELAYING);
	return pair_relay(client);
}

/* Tries servers, one after the other, until one is connecting or none is left. */
static enum verdict try_servers(struct conn *client)
{
	struct proxy *p = conn_state(client);
	struct choice choice = { .upstream = upstream_of(client),
				 .source = hash_source(client),
				 .random = (uint64_t)clock_us() ^ client->record->number << 32 };
	bool was_full = false;

	for (unsigned full = 0; has_tries_left(client) && full < FULL_TRIES;) {
		const struct server *server;

		choice.tried = p->tried;
		choice.now_ms = clock_ms();
		server = choose_server(&choice);
		was_full = choice.is_full;
		if (!server)
			break;
		begin_try(client, server);
		switch (connect_to(client, server)) {
		case PAIR_CONNECTING:
			return await_connect(client);
		case PAIR_CONNECTED:
			return begin_relay(client);
		case PAIR_FULL:
			was_full = true;
			full++;
			p->tries--;
			break;
		case PAIR_FAILED:
			if (is_own_failure(errno))
				return end_now(client, CLOSE_system_error);
			note_failure(client, server, close_reason_of_server(errno));
			break;
		}
	}
	if (!has_tries_left(client))
		return end_now(client, p->failure);
	return wait_for_server(client, was_full ? CLOSE_upstream_full : CLOSE_upstream_none);
}

static enum verdict fail_over(struct conn *client, enum close_reason why)
{
	conn_set_deadline(client, 0);
	if (client->peer)
		conn_drop_peer(client);
	note_failure(client, last_server(client), why);
	return try_servers(client);
}

static enum verdict open_conn(struct conn *client)
{
	return try_servers(client);
}

static enum verdict end_connect(struct conn *peer)
{
	struct conn *client = conn_client(peer);
	int error = pair_connect_error(peer);

	if (error != 0)
		return fail_over(client, close_reason_of_server(error));
	return begin_relay(client);
}

/* Nothing that the client or the server has sent has reached the other. */
static bool is_untouched(const struct conn *peer)
{
	const struct proxy *p = conn_state_const(peer);

	return p->phase == PROXY_RELAYING && peer->record->bytes_in == 0 &&
	       peer->record->bytes_out <= p->header_size;
}

static bool replace_lost(struct conn *peer, enum verdict *verdict)
{
	struct conn *client = conn_client(peer);

	if (!is_untouched(peer) || conn_has_output(peer))
		return false;
	*verdict = fail_over(client, close_reason_of_server(pair_connect_error(peer)));
	return true;
}

static enum verdict expire(struct conn *c)
{
	struct conn *client = conn_client(c);
	const struct proxy *p = conn_state(client);

	if (p->phase == PROXY_CONNECTING)
		return fail_over(client, CLOSE_upstream_timeout);
	return p->phase == PROXY_WAITING ? try_servers(client) : MORE;
}

static enum verdict take_input(struct conn *c)
{
	const struct proxy *p = conn_state(c);

	if (p->phase == PROXY_RELAYING) {
		(void)pair_relay(c);
		return conn_in_ended(c) && !upstream_of(c)->conf->half_close ? FINISH : MORE;
	}
	if (buf_room(&c->in) == 0)
		conn_set_flow(c, FLOW_PAUSED);
	return MORE;
}

static bool has_row(const struct conn *c, unsigned server)
{
	return server == 0 || upstream_find(upstream_of(c), server - 1) != NULL;
}

/* The servers that it has, or waits for, are in this worker's configuration. */
static bool is_known(const struct conn *c)
{
	return has_row(c, c->record->server) && (!c->peer || has_row(c, c->peer->record->server));
}

static bool fits_phase(const struct conn *c, const struct proxy *p)
{
	switch (p->phase) {
	case PROXY_WAITING:
		return !c->peer && c->record->server > 0;
	case PROXY_CONNECTING:
		return c->peer && c->peer->record->is_connecting && c->record->server == 0;
	default:
		return c->peer && !c->peer->record->is_connecting && c->record->server == 0;
	}
}

/* It is asked before init as well: of servers nothing is known then. */
static bool is_sound(const struct conn *c)
{
	const struct proxy *p = conn_state_const(c);

	return p->phase < PROXY_PHASES && p->row <= SCOREBOARD_SERVERS &&
	       p->failure < CLOSE_COUNT && p->begun_us >= 0 && p->begun_us < INT64_MAX / 2 &&
	       p->waits_ms >= 0 && p->waits_ms < INT64_MAX / 2 && fits_phase(c, p);
}

static void tell(const struct conn *c, struct access_entry *entry)
{
	const struct proxy *p = conn_state_const(c);
	const struct upstream *u = upstream_of(c);

	entry->tries = 1U + p->tries;
	if (p->connect_us > 0 && p->connect_us < INT64_MAX / 2)
		entry->connect_seconds = p->connect_us;
	if (p->row > 0 && p->row <= SCOREBOARD_SERVERS) {
		const char *address = u->board->server_rows[p->row - 1].address;

		entry->server = (struct access_text){ address, strnlen(address, ADDR_TEXT) };
	}
}

static const struct helper_job *const jobs[] = { &resolver_job, &checker_job };

const struct service service_proxy = {
	.name = "proxy",
	.state_size = sizeof(struct proxy),
	.state_version = 1,
	.has_pairs = true,
	.is_stream = true,
	.jobs = jobs,
	.job_count = sizeof(jobs) / sizeof(*jobs),
	.init = start,
	.open = open_conn,
	.connected = end_connect,
	.lost = replace_lost,
	.input = take_input,
	.expired = expire,
	.takes = is_known,
	.is_sound = is_sound,
	.tell = tell,
};
