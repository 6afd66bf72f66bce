/* SPDX-License-Identifier: MIT */
/* Attaches peers and relays. It makes no system call: worker/conn.c shuts down and closes. */
#include "worker/pair/pair.h"

#include "base/err.h"
#include "worker/pool.h"

static void fill_peer(struct pool *pool, struct record *peer, const struct record *client, int fd)
{
	peer->fd = fd;
	peer->listener = client->listener;
	peer->listen = client->listen;
	peer->state = client->state;
	peer->side = SIDE_PEER;
	peer->number = client->number;
	peer->birth_generation = client->birth_generation;
	peer->birth_worker = client->birth_worker;
	peer->opened_us = pool->loop->now_us;
	peer->active_ms = pool->loop->now_ms;
	peer->peer = record_link(client);
}

struct conn *pair_attach(struct conn *c, int fd, bool is_connecting)
{
	struct pool *pool = c->pool;
	struct record *client = c->record;
	struct record *peer;

	BUG_ON(c->peer || client->side != SIDE_CLIENT);
	peer = pool_take_record(pool);
	if (!peer)
		return NULL;
	pool_note_opened(pool, fd);
	fill_peer(pool, peer, client, fd);
	peer->is_connecting = is_connecting;
	pool_publish_record(pool, peer);
	client->peer = record_link(peer);
	pool_view(pool, peer, &pool->hand.peer);
	c->peer = &pool->hand.peer;
	c->peer->peer = c;
	pool_lend_buf(pool, &c->peer->out);
	return c->peer;
}

enum verdict pair_relay(struct conn *c)
{
	struct conn *to = c->peer;
	struct buf full = c->in;

	if (conn_has_output(to))
		return MORE; /* FLOW_BOUNDED: it is asked again when that has gone out */
	if (buf_used(&full) > 0) {
		c->in = to->out;
		to->out = full;
	}
	if (conn_in_ended(c))
		conn_end_output(to);
	return MORE;
}

static bool has_ended(const struct conn *c)
{
	return conn_in_ended(c) && c->record->output >= OUTPUT_ENDED && buf_used(&c->in) == 0;
}

bool pair_is_over(const struct conn *c)
{
	return has_ended(c) && has_ended(c->peer);
}
