/* SPDX-License-Identifier: MIT */
/* Carries out what the limiter says of one connection. */
#include "worker/limit/admit.h"

#include <sys/epoll.h>

#include "net/refusal.h"
#include "worker/conn.h"
#include "worker/limit/limit_note.h"
#include "worker/transport.h"

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

static enum admit end_conn(struct conn *c, enum close_reason reason)
{
	conn_close(c, reason);
	return ADMIT_ENDED;
}

static enum admit refuse(struct conn *c, enum limit limit)
{
	if (c->conf->on_limit == ON_LIMIT_RESET)
		c->record->is_reset = true;
	else
		refusal_prepare(c->record->fd, false);
	return end_conn(c, limit_ending(limit));
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

static enum admit ask_again(struct conn *c)
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

/* True when it has a message, or is served without one. */
static bool has_request(struct conn *c)
{
	return buf_used(&c->in) > 0 || c->transport->has_input(c) || c->service->open;
}

/*
 * One whose client has ended its side may have a message before that; it cannot be told from one
 * whose client is gone, unless there is none. In a draining worker only those with a message go on
 * waiting.
 */
enum admit admit_waiting(struct conn *c, uint32_t events)
{
	struct pool *pool = c->pool;
	bool is_first = waiting_due_ms(&pool->waiting, c->record) != 0;

	c->record->has_half_closed |= (events & EPOLLRDHUP) != 0;
	if (events & (EPOLLERR | EPOLLHUP))
		return end_conn(c, CLOSE_client_reset);
	if ((events & EPOLLRDHUP) && !has_request(c))
		return end_conn(c, CLOSE_client_closed);
	if (pool->draining && !has_request(c))
		return end_conn(c, CLOSE_drained);
	return is_first ? ask_again(c) : ADMIT_WAITS;
}

void admit_trim(struct pool *pool)
{
	struct record *r;

	while ((r = waiting_surplus(&pool->waiting)))
		conn_end(pool, r, CLOSE_limit_source);
}
