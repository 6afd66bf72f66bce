/* SPDX-License-Identifier: MIT */
/* Computes deadlines; worker/conn.c ends connections that are due. */
#include "worker/deadline.h"

enum {
	FRESH_MS = 1000, /* a draining worker waits this long for a connection's first bytes */
	QUEUED_MS =
		100, /* a due connection that waits in the run queue is checked again after this */
};

int64_t deadline_due_ms(const struct pool *pool, const struct conn *c, enum close_reason *why)
{
	const struct listen_conf *conf = c->conf;
	int64_t from = c->active_ms, timeout = conf->message_timeout;

	*why = CLOSE_send_timeout;
	if (c->state == CONN_LINGERING) {
		*why = c->ending;
		return from + conf->linger_timeout;
	}
	if (buf_used(&c->out) == 0) {
		if (c->begun_us != 0) {
			*why = CLOSE_message_timeout;
			from = c->begun_us / 1000;
		} else if (pool->draining && c->bytes_in == 0) {
			*why = CLOSE_drained;
			return c->opened_us / 1000 + FRESH_MS;
		} else {
			*why = CLOSE_idle_timeout;
			timeout = conf->idle_timeout;
		}
	}
	return timeout > 0 ? from + timeout : 0;
}

/* A deadline that has moved away is put off when the timer fires: the heap is not touched. */
void deadline_set(struct pool *pool, struct conn *c)
{
	enum close_reason why;
	int64_t due = deadline_due_ms(pool, c, &why);

	if (due != 0 && (!timer_is_set(&c->timer) || due < c->timer.due_ms))
		timer_set(&pool->timers, &c->timer, due);
}

bool deadline_put_off(struct pool *pool, struct conn *c, int64_t due_ms)
{
	int64_t now_ms = pool->loop->now_ms;

	if (due_ms <= now_ms && c->state != CONN_LINGERING && runqueue_has(&pool->queue, c->index))
		due_ms = now_ms + QUEUED_MS;
	if (due_ms <= now_ms)
		return false;
	timer_set(&pool->timers, &c->timer, due_ms);
	return true;
}

bool deadline_is_stale(const struct pool *pool, const struct conn *c)
{
	return pool->loop->now_ms >= c->opened_us / 1000 + FRESH_MS;
}
