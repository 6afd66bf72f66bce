/* SPDX-License-Identifier: MIT */
/* Finds in an arena what its connections have, and what is free. */
#include "worker/recovery/pool_resume.h"

#include <stdlib.h>

#include "worker/pool_sessions.h"

static void mark_buf(const struct record_buf *b, bool *is_used, uint32_t *high)
{
	if (b->number == 0)
		return;
	is_used[b->number - 1] = true;
	if (b->number > *high)
		*high = b->number;
}

/* Rebuilds the list of free buffers: a dead worker's lists are never trusted. */
static void resume_bufs(struct pool *pool, const bool *is_kept, bool *is_used)
{
	uint32_t high = 0;

	for (uint32_t i = 0; i < pool->arena->head->record_high; i++) {
		const struct record *r = arena_record(pool->arena, i);

		if (!is_kept[i])
			continue;
		mark_buf(&r->in, is_used, &high);
		mark_buf(&r->out, is_used, &high);
	}
	pool->bufs.high = high;
	pool->bufs.count = 0;
	for (uint32_t i = 0; i < high; i++)
		if (!is_used[i])
			free_list_give(&pool->bufs, i);
}

static void resume_records(struct pool *pool, const bool *is_kept, uint32_t *live)
{
	pool->records.high = pool->arena->head->record_high;
	for (uint32_t i = 0; i < pool->records.high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (!is_kept[i]) {
			free_list_give(&pool->records, i);
		} else if (r->side == SIDE_CLIENT) {
			conn_limit_take(&pool->limit, r->listener);
			limiter_count_in(&pool->limiter, r);
			live[pool_row(pool, r)]++;
		}
	}
}

/* What the last worker has counted is not trusted. */
static void resume_servers(struct pool *pool, const bool *is_kept)
{
	struct server_sums sums = { 0 };

	for (uint32_t i = 0; i < pool->records.high; i++)
		if (is_kept[i])
			server_sums_add(&sums, arena_record(pool->arena, i));
	server_count_set(&pool->servers, &sums);
}

bool pool_resume(struct pool *pool, const bool *is_kept)
{
	uint32_t live[METRIC_LISTENERS] = { 0 };
	bool *is_used = calloc(pool->arena->buf_most, sizeof(*is_used));

	if (!is_used)
		return false;
	resume_bufs(pool, is_kept, is_used);
	free(is_used);
	pool_sessions_resume(pool, is_kept);
	resume_records(pool, is_kept, live);
	resume_servers(pool, is_kept);
	scoreboard_set_live(pool->slot, live);
	return true;
}
