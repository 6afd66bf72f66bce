/* SPDX-License-Identifier: MIT */
/* Gathers batches. worker/door/moving.c decides who gets them, and what stays. */
#include "worker/door/gather.h"

#include "worker/recovery/audit.h"
#include "worker/conn.h"
#include "worker/preface/proxied.h"

enum {
	BATCH_BYTES = 96 * 1024, /* beyond one connection */
	ROUNDS = 2,       /* of what is left, a batch is each receiver's share by so much ... */
	ROUNDS_MOST = 16, /* ... but not less than that of all that there was by so much */
};

static struct pool *pool_of(const struct moving *m)
{
	return m->offer.door->pool;
}

static bool can_move(const struct moving *m, struct record *r)
{
	if (!record_is_served(r) || r->side != SIDE_CLIENT || m->stays[r->index] != 0)
		return false;
	return m->state == MOVING_LEAVING ||
	       (r->state == CONN_OPEN &&
		(pool_rests(pool_of(m), r) || pool_stream_rests(pool_of(m), r)));
}

static size_t bytes_of(const struct record *r)
{
	return sizeof(*r) + (r->in.end - r->in.start) + (r->out.end - r->out.start);
}

static size_t bytes_of_proxy(const struct pool *pool, const struct record *r)
{
	return (proxied_header(pool->arena, r) ? sizeof(struct proxy_header) : 0) +
	       (proxied_texts(pool->arena, r) ? sizeof(struct proxy_texts) : 0);
}

static size_t bytes_of_conn(const struct pool *pool, const struct record *client)
{
	const struct record *peer = pool_peer(pool, client);

	return bytes_of(client) + bytes_of_proxy(pool, client) + (peer ? bytes_of(peer) : 0);
}

static unsigned descriptors_of(const struct pool *pool, const struct record *client)
{
	return CONN_FDS_MOST / (pool_peer(pool, client) ? 1 : 2);
}

/* Up to `most` connections, and what a message holds. */
static void fill_batch(struct moving *m, unsigned most)
{
	struct pool *pool = pool_of(m);
	unsigned fds = 0, listener = 0, count = 0;
	size_t bytes = 0;
	uint32_t i;

	for (i = m->cursor; i < pool->arena->head->record_high && count < most; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (!can_move(m, r) || !audit_passes(pool, r))
			continue;
		bytes += bytes_of_conn(pool, r);
		fds += descriptors_of(pool, r);
		if (count > 0 &&
		    (r->listener != listener || bytes > BATCH_BYTES || fds > RIGHTS_MOST))
			break;
		listener = r->listener;
		m->offer.list[count++] = i;
	}
	m->offer.count = count;
	m->cursor = i;
}

/*
 * First many at a time, then fewer: all receivers get about the same number from each sender, and
 * the last connections do not go one by one.
 */
static unsigned size_batch(const struct moving *m, unsigned receivers)
{
	uint32_t size = pool_of(m)->limit.total / (ROUNDS * receivers) + 1;
	uint32_t least = m->total / (ROUNDS_MOST * receivers) + 1;

	if (size < least)
		size = least;
	if (m->state == MOVING_SHARING && size > m->wanted)
		size = m->wanted;
	if (m->narrowing.state != NARROWING_NONE && size > m->narrowing.limit)
		size = m->narrowing.limit;
	return size < DOOR_CONNS_MOST ? size : DOOR_CONNS_MOST;
}

void gather_batch(struct moving *m, unsigned receivers)
{
	fill_batch(m, size_batch(m, receivers));
}

void gather_less(struct moving *m)
{
	m->narrowing = (struct narrowing){ NARROWING_FOR_ROOM, m->count / 2, 0 };
}

void gather_suspects(struct moving *m)
{
	m->narrowing = (struct narrowing){ NARROWING_SEARCH, m->count / 2, m->count };
}

void gather_note_found(struct moving *m)
{
	m->narrowing = (struct narrowing){ NARROWING_GROWTH, 1, 0 };
}

void gather_note_taken(struct moving *m)
{
	struct narrowing *n = &m->narrowing;

	if (n->state == NARROWING_SEARCH) {
		n->suspects -= m->count < n->suspects ? m->count : n->suspects;
		if (n->suspects == 0)
			n->state = NARROWING_GROWTH;
	} else if (n->state == NARROWING_GROWTH) {
		n->limit *= 2;
		if (n->limit >= DOOR_CONNS_MOST)
			n->state = NARROWING_NONE;
	}
}

void gather_as_usual(struct moving *m)
{
	m->narrowing = (struct narrowing){ NARROWING_NONE, 0, 0 };
}

bool gather_has_any(const struct moving *m)
{
	const struct pool *pool = pool_of(m);

	for (uint32_t i = 0; i < pool->arena->head->record_high; i++)
		if (can_move(m, arena_record(pool->arena, i)))
			return true;
	return false;
}
