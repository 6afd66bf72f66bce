/* SPDX-License-Identifier: MIT */
/* Picks the connection that is ended. It accepts none; worker/conn.c ends the connection. */
#include "worker/make_room.h"

#include "worker/conn.h"
#include "worker/transport.h"

enum { AGAIN_MS = 10 }; /* between two walks that found no connection to end */

/* A connection within its listener's reserve gives its place to that listener only. */
static bool may_go(const struct pool *pool, const struct conn *c)
{
	return c->magic == CONN_MAGIC && conn_rests(c) && !runqueue_has(&pool->queue, c->index) &&
	       !conn_limit_is_within(&pool->limit, c->listener);
}

/* Finds those that rest longest; one that is active meanwhile only becomes younger. */
static void find_candidates(struct make_room *room, const struct pool *pool)
{
	room->next = (struct pool_oldest){ .wanted = POOL_OLDEST_MOST };
	room->at = 0;
	for (uint32_t i = 0; i < pool->arena->head->conn_high; i++) {
		const struct conn *c = arena_conn(pool->arena, i);

		if (may_go(pool, c))
			pool_consider_oldest(&room->next, i, c->active_ms);
	}
}

/* Input that is not read yet is a message: that connection does not rest. */
static bool has_input(const struct conn *c)
{
	return c->state == CONN_OPEN && transport_has_input(c);
}

/* The next one of the list that has rested since the walk; NULL: the list is at its end. */
static struct conn *next_to_go(struct make_room *room, const struct pool *pool)
{
	while (room->at < room->next.count) {
		struct conn *c = arena_conn(pool->arena, room->next.list[room->at].index);
		int64_t since_ms = room->next.list[room->at++].time;

		if (may_go(pool, c) && c->active_ms == since_ms && !has_input(c))
			return c;
	}
	return NULL;
}

bool make_room_for(struct make_room *room, struct pool *pool, uint32_t listener)
{
	struct conn *c;

	if (conn_limit_has(&pool->limit, listener))
		return true;
	if (!room->is_on || pool->loop->now_ms < room->again_ms)
		return false;
	c = next_to_go(room, pool);
	if (!c) {
		find_candidates(room, pool);
		c = next_to_go(room, pool);
	}
	if (c)
		conn_end(pool, c, CLOSE_made_room);
	else
		room->again_ms = pool->loop->now_ms + AGAIN_MS;
	return conn_limit_has(&pool->limit, listener);
}
