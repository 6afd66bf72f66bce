/* SPDX-License-Identifier: MIT */
/* Nothing here does anything in a server whose listeners have no TLS. */
#include "worker/pool_sessions.h"

bool pool_sessions_start(struct pool *pool)
{
	const struct arena *arena = pool->arena;
	const struct session_memory memory = { arena->regions, arena->blocks, arena->block_map,
					       arena->units };

	return arena->units == 0 ||
	       session_start(&pool->sessions, &memory, ++arena->head->session_maker);
}

void pool_sessions_publish(struct pool *pool)
{
	struct worker_tally *tally = &pool->slot->tally;
	uint64_t strays;

	if (pool->arena->units == 0)
		return;
	strays = session_strays();
	atomic_store_explicit(&tally->tls_memory_bytes, session_memory_used(&pool->sessions),
			      memory_order_relaxed);
	if (strays != pool->strays)
		cell_add(&tally->tls_stray_allocations_total, strays - pool->strays);
	pool->strays = strays;
}

void pool_sessions_resume(struct pool *pool, const bool *is_kept)
{
	if (pool->arena->units == 0)
		return;
	session_begin_claims(&pool->sessions);
	for (uint32_t i = 0; i < pool->arena->head->record_high; i++)
		if (is_kept[i] && arena_record(pool->arena, i)->tls != TLS_NONE)
			(void)session_claim(&pool->sessions, i);
		else
			session_disown(&pool->sessions, i);
	session_settle(&pool->sessions);
}

bool pool_sessions_lack(const struct pool *pool, const struct record *r)
{
	return r->tls != TLS_NONE && !session_is_there(&pool->sessions, r->index);
}
