/* SPDX-License-Identifier: MIT */
/*
 * Counts places and picks who goes. It accepts nobody, and how a connection ends is worker/conn.c's
 * business.
 */
#include "worker/conn_limit.h"

#include <stdlib.h>

#include "base/sys.h"
#include "worker/pool.h"

enum { AGAIN_MS = 10 }; /* between two walks that found no connection to end */

static uint32_t reserve_of(const struct pool *pool, uint32_t listener)
{
	return (uint32_t)pool->listeners->list[listener].conf->reserve;
}

/* Places that the listener keeps and has not used. */
static uint32_t left_of(const struct pool *pool, uint32_t listener)
{
	uint32_t reserve = reserve_of(pool, listener), live = pool->room.live[listener];

	return live < reserve ? reserve - live : 0;
}

bool conn_limit_start(struct pool *pool, bool is_made)
{
	pool->room = (struct conn_limit){ .is_made = is_made };
	pool->room.live = calloc(pool->listeners->count, sizeof(*pool->room.live));
	if (!pool->room.live)
		return false;
	for (uint32_t i = 0; i < pool->listeners->count; i++)
		pool->room.reserved += reserve_of(pool, i);
	return true;
}

void conn_limit_stop(struct pool *pool)
{
	free(pool->room.live);
}

void conn_limit_take(struct pool *pool, uint32_t listener)
{
	pool->room.reserved -= left_of(pool, listener) > 0;
	pool->room.live[listener]++;
}

void conn_limit_give(struct pool *pool, uint32_t listener)
{
	pool->room.live[listener]--;
	pool->room.reserved += left_of(pool, listener) > 0;
}

bool conn_limit_has(const struct pool *pool, uint32_t listener)
{
	uint32_t kept = pool->room.reserved - left_of(pool, listener);

	return pool->live + kept < pool->arena->conn_most;
}

bool conn_limit_is_full(const struct pool *pool)
{
	return pool->live + pool->room.reserved >= pool->arena->conn_most;
}

/* A connection within its listener's reserve leaves its place to that listener alone. */
static bool may_go(const struct pool *pool, const struct conn *c)
{
	return c->magic == CONN_MAGIC && conn_rests(c) && !runqueue_has(&pool->queue, c->index) &&
	       pool->room.live[c->listener] > reserve_of(pool, c->listener);
}

/* Those that rest longest; whoever moves meanwhile only becomes younger. */
static void look_for(struct pool *pool)
{
	struct conn_limit *room = &pool->room;

	room->next = (struct oldest){ .wanted = OLDEST_MOST };
	room->at = 0;
	for (uint32_t i = 0; i < pool->arena->head->conn_high; i++) {
		const struct conn *c = arena_conn(pool->arena, i);

		if (may_go(pool, c))
			oldest_consider(&room->next, i, c->active_ms);
	}
}

/* What has come and was not read yet is a message: that connection does not rest. */
static bool has_input(const struct conn *c)
{
	char byte;

	return c->state == CONN_OPEN && sys_recv(c->fd, &byte, 1, MSG_PEEK) > 0;
}

/* The next one of the list that still rests since then; NULL: the list is at its end. */
static struct conn *next_to_go(struct pool *pool)
{
	struct conn_limit *room = &pool->room;

	while (room->at < room->next.count) {
		struct conn *c = arena_conn(pool->arena, room->next.list[room->at].index);
		int64_t since_ms = room->next.list[room->at++].time;

		if (may_go(pool, c) && c->active_ms == since_ms && !has_input(c))
			return c;
	}
	return NULL;
}

bool dispatch_make_room(struct pool *pool, uint32_t listener)
{
	struct conn_limit *room = &pool->room;
	struct conn *c;

	if (conn_limit_has(pool, listener))
		return true;
	if (!room->is_made || pool->loop->now_ms < room->again_ms)
		return false;
	c = next_to_go(pool);
	if (!c) {
		look_for(pool);
		c = next_to_go(pool);
	}
	if (c)
		conn_end(pool, c, CLOSE_made_room);
	else
		room->again_ms = pool->loop->now_ms + AGAIN_MS;
	return conn_limit_has(pool, listener);
}
