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

static uint32_t reserve_of(const struct conns *all, uint32_t listener)
{
	return (uint32_t)all->listeners->list[listener].conf->reserve;
}

/* Places that the listener keeps and has not used. */
static uint32_t left_of(const struct conns *all, uint32_t listener)
{
	uint32_t reserve = reserve_of(all, listener), live = all->room.live[listener];

	return live < reserve ? reserve - live : 0;
}

bool conn_limit_start(struct conns *all, bool is_made)
{
	all->room = (struct conn_limit){ .is_made = is_made };
	all->room.live = calloc(all->listeners->count, sizeof(*all->room.live));
	if (!all->room.live)
		return false;
	for (uint32_t i = 0; i < all->listeners->count; i++)
		all->room.reserved += reserve_of(all, i);
	return true;
}

void conn_limit_stop(struct conns *all)
{
	free(all->room.live);
}

void conn_limit_take(struct conns *all, uint32_t listener)
{
	all->room.reserved -= left_of(all, listener) > 0;
	all->room.live[listener]++;
}

void conn_limit_give(struct conns *all, uint32_t listener)
{
	all->room.live[listener]--;
	all->room.reserved += left_of(all, listener) > 0;
}

bool conn_limit_has(const struct conns *all, uint32_t listener)
{
	uint32_t kept = all->room.reserved - left_of(all, listener);

	return all->live + kept < all->arena->conn_most;
}

bool conn_limit_is_full(const struct conns *all)
{
	return all->live + all->room.reserved >= all->arena->conn_most;
}

/* A connection within its listener's reserve leaves its place to that listener alone. */
static bool may_go(const struct conns *all, const struct conn *c)
{
	return c->magic == CONN_MAGIC && conn_rests(c) && !runqueue_has(&all->queue, c->index) &&
	       all->room.live[c->listener] > reserve_of(all, c->listener);
}

/* Those that rest longest; whoever moves meanwhile only becomes younger. */
static void look_for(struct conns *all)
{
	struct conn_limit *room = &all->room;

	room->next = (struct oldest){ .wanted = OLDEST_MOST };
	room->at = 0;
	for (uint32_t i = 0; i < all->arena->head->conn_high; i++) {
		const struct conn *c = arena_conn(all->arena, i);

		if (may_go(all, c))
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
static struct conn *next_to_go(struct conns *all)
{
	struct conn_limit *room = &all->room;

	while (room->at < room->next.count) {
		struct conn *c = arena_conn(all->arena, room->next.list[room->at].index);
		int64_t since_ms = room->next.list[room->at++].time;

		if (may_go(all, c) && c->active_ms == since_ms && !has_input(c))
			return c;
	}
	return NULL;
}

bool conn_limit_make(struct conns *all, uint32_t listener)
{
	struct conn_limit *room = &all->room;
	struct conn *c;

	if (conn_limit_has(all, listener))
		return true;
	if (!room->is_made || all->loop->now_ms < room->again_ms)
		return false;
	c = next_to_go(all);
	if (!c) {
		look_for(all);
		c = next_to_go(all);
	}
	if (c)
		conn_end(all, c, CLOSE_made_room);
	else
		room->again_ms = all->loop->now_ms + AGAIN_MS;
	return conn_limit_has(all, listener);
}
