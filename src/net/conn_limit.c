/* SPDX-License-Identifier: MIT */
/* Counts places. worker/accept/make_room.c decides which connection gives one up. */
#include "net/conn_limit.h"

#include <stdlib.h>

static uint32_t reserve_of(const struct conn_limit *limit, uint32_t listener)
{
	return (uint32_t)limit->listeners->list[listener].conf->reserve;
}

/* Places that are reserved for the listener and unused. */
static uint32_t left_of(const struct conn_limit *limit, uint32_t listener)
{
	uint32_t reserve = reserve_of(limit, listener), live = limit->live[listener];

	return live < reserve ? reserve - live : 0;
}

bool conn_limit_start(struct conn_limit *limit, const struct listener_set *listeners, uint32_t most)
{
	*limit = (struct conn_limit){ .listeners = listeners, .most = most };
	limit->live = calloc(listeners->count, sizeof(*limit->live));
	if (!limit->live)
		return false;
	for (uint32_t i = 0; i < listeners->count; i++)
		limit->reserved += reserve_of(limit, i);
	return true;
}

void conn_limit_stop(struct conn_limit *limit)
{
	free(limit->live);
}

void conn_limit_take(struct conn_limit *limit, uint32_t listener)
{
	limit->reserved -= left_of(limit, listener) > 0;
	limit->live[listener]++;
	limit->total++;
}

void conn_limit_give(struct conn_limit *limit, uint32_t listener)
{
	limit->total--;
	limit->live[listener]--;
	limit->reserved += left_of(limit, listener) > 0;
}

bool conn_limit_has_room(const struct conn_limit *limit, uint32_t listener, uint32_t count)
{
	uint32_t kept = limit->reserved - left_of(limit, listener);

	return (uint64_t)limit->total + kept + count <= limit->most;
}

bool conn_limit_has(const struct conn_limit *limit, uint32_t listener)
{
	return conn_limit_has_room(limit, listener, 1);
}

bool conn_limit_is_full(const struct conn_limit *limit)
{
	return limit->total + limit->reserved >= limit->most;
}

bool conn_limit_is_within(const struct conn_limit *limit, uint32_t listener)
{
	return limit->live[listener] <= reserve_of(limit, listener);
}
