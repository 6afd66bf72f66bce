/* SPDX-License-Identifier: MIT */
/* Carries out what the limiter says of one connection. */
#include "worker/limit/admit.h"

#include "net/refusal.h"
#include "worker/conn.h"
#include "worker/limit/limit_note.h"

static enum limit ask_limiter(struct conn *c, int64_t *due_ms)
{
	struct pool *pool = c->pool;
	struct record *r = c->record;
	uint64_t key = limiter_source_key(&pool->limiter, r);
	bool is_first = waiting_is_first(&pool->waiting, r, key);

	return limiter_claim_source(&pool->limiter, r, key, is_first, pool->loop->now_us, due_ms);
}

static void begin_waiting(struct conn *c, int64_t due_ms)
{
	struct pool *pool = c->pool;
	struct record *r = c->record;

	waiting_join(&pool->waiting, r, limiter_source_key(&pool->limiter, r));
	waiting_put_off(&pool->waiting, r, due_ms);
}

static bool lets_wait(const struct conn *c, enum limit limit)
{
	const struct limiter *limiter = &c->pool->limiter;

	return limiter_lets_wait(limiter, c->record->listener, limit,
				 limiter_source_key(limiter, c->record));
}

static enum admit refuse(struct conn *c, enum limit limit)
{
	refusal_prepare(c->record->fd, c->conf->on_limit == ON_LIMIT_RESET);
	conn_close(c, limit_ending(limit));
	return ADMIT_ENDED;
}

enum admit admit_new(struct conn *c)
{
	struct pool *pool = c->pool;
	uint32_t listener = c->record->listener;
	int64_t due_ms = 0;
	enum limit limit;

	if (!limiter_rule(&pool->limiter, listener)->has_sources)
		return ADMIT_OPEN;
	limit = ask_limiter(c, &due_ms);
	if (limit == LIMIT_NONE)
		return ADMIT_OPEN;
	limit_note_reached(&pool->limiter, listener, limit, &c->record->remote, pool->loop->now_ms);
	conn_move_to(c, CONN_WAITING);
	if (!lets_wait(c, limit)) {
		limiter_return_rate(&pool->limiter, listener);
		return refuse(c, limit);
	}
	begin_waiting(c, due_ms);
	return ADMIT_WAITS;
}

enum admit admit_waiting(struct conn *c)
{
	struct pool *pool = c->pool;
	int64_t due_ms;
	enum limit limit = ask_limiter(c, &due_ms);

	if (limit == LIMIT_NONE) {
		waiting_leave(&pool->waiting, c->record);
		c->record->active_ms = pool->loop->now_ms; /* its client was not idle */
		return ADMIT_OPEN;
	}
	if (!lets_wait(c, limit))
		return refuse(c, limit);
	waiting_put_off(&pool->waiting, c->record, due_ms);
	return ADMIT_WAITS;
}

void admit_trim(struct pool *pool)
{
	struct record *r;

	while ((r = waiting_surplus(&pool->waiting)))
		conn_end(pool, r, CLOSE_limit_source);
}
