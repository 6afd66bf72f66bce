/* SPDX-License-Identifier: MIT */
/* Picks the connection that is ended. It accepts none; worker/conn.c ends the connection. */
#include "worker/accept/make_room.h"

#include "worker/conn.h"
#include "worker/transport.h"

enum { AGAIN_MS = 10 }; /* between two walks that found no connection to end */

static bool is_queued(const struct pool *pool, const struct record *r)
{
	return ring_has(&pool->queue, r->index) ||
	       (r->peer > 0 && ring_has(&pool->queue, r->peer - 1));
}

/* A connection within its listener's reserve gives its place to that listener only. */
static bool may_go(struct pool *pool, struct record *r)
{
	return record_is_served(r) && r->side == SIDE_CLIENT && pool_rests(pool, r) &&
	       !is_queued(pool, r) && !conn_limit_is_within(&pool->limit, r->listener);
}

/* Finds those that rest longest; one that is active meanwhile only becomes younger. */
static void find_candidates(struct make_room *room, struct pool *pool)
{
	room->next = (struct oldest){ .wanted = OLDEST_MOST };
	room->at = 0;
	for (uint32_t i = 0; i < pool->arena->head->record_high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (may_go(pool, r))
			oldest_consider(&room->next, i, r->active_ms);
	}
}

static bool side_has_input(struct pool *pool, struct record *r)
{
	struct conn c;

	pool_view(pool, r, &c);
	return r->state == CONN_OPEN && c.transport->has_input(&c);
}

/* Input that is not read yet is a message: that connection does not rest. */
static bool has_input(struct pool *pool, struct record *r)
{
	return side_has_input(pool, r) || (r->peer > 0 && side_has_input(pool, pool_peer(pool, r)));
}

/* The next one of the list that has rested since the walk; NULL: the list is at its end. */
static struct record *next_to_go(struct make_room *room, struct pool *pool)
{
	while (room->at < room->next.count) {
		struct record *r = arena_record(pool->arena, room->next.list[room->at].index);
		int64_t since_ms = room->next.list[room->at++].time;

		if (may_go(pool, r) && r->active_ms == since_ms && !has_input(pool, r))
			return r;
	}
	return NULL;
}

/* What waits for its source goes first: nothing was read of it. */
static struct record *next_waiting(struct pool *pool)
{
	struct record *r = waiting_last(&pool->waiting);

	return r && !conn_limit_is_within(&pool->limit, r->listener) ? r : NULL;
}

bool make_room_for(struct make_room *room, struct pool *pool, uint32_t listener)
{
	struct record *r;

	if (conn_limit_has(&pool->limit, listener))
		return true;
	if (!room->is_on)
		return false;
	r = next_waiting(pool);
	if (!r && pool->loop->now_ms < room->again_ms)
		return false;
	if (!r)
		r = next_to_go(room, pool);
	if (!r) {
		find_candidates(room, pool);
		r = next_to_go(room, pool);
	}
	if (r)
		conn_end(pool, r, CLOSE_made_room);
	else
		room->again_ms = pool->loop->now_ms + AGAIN_MS;
	return conn_limit_has(&pool->limit, listener);
}
