/* SPDX-License-Identifier: MIT */
/* Sets events, and notes them in the record so that a death in between shows. */
#include "worker/watching.h"

#include "base/sys.h"
#include "worker/pace.h"

/*
 * A side that waits for nothing stays in epoll for errors, except in a pair: there a hang-up may
 * have to wait until the other side has taken what came before it, and would be reported for ever.
 */
static uint32_t wanted_events(const struct conn *c)
{
	const struct record *r = c->record;
	uint32_t wanted = 0;

	/* unread: only its end is of interest, once */
	if (r->state == CONN_WAITING)
		return r->in_ended || r->has_half_closed ? EPOLLERR : EPOLLRDHUP;
	if ((conn_is_sending(c) && !pace_pauses(c->conf, r, c->pool->loop->now_ms)) ||
	    r->is_connecting || r->waits_to_send)
		wanted |= EPOLLOUT;
	if (watching_reads(c))
		wanted |= EPOLLIN;
	return wanted == 0 && !c->peer ? EPOLLERR : wanted;
}

static int op_of(const struct record *r, uint32_t wanted)
{
	if (wanted == 0)
		return EPOLL_CTL_DEL;
	return r->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
}

/* The epoll may be what a dead worker has left: there or not there may both be wrong. */
static bool change_events(struct pool *pool, const struct record *r, int op, uint32_t wanted)
{
	if (loop_tag(pool->loop, op, r->fd, wanted, pool_tag(r)))
		return true;
	if (op == EPOLL_CTL_MOD && errno == ENOENT)
		return loop_tag(pool->loop, EPOLL_CTL_ADD, r->fd, wanted, pool_tag(r));
	if (op == EPOLL_CTL_ADD && errno == EEXIST)
		return loop_tag(pool->loop, EPOLL_CTL_MOD, r->fd, wanted, pool_tag(r));
	return op == EPOLL_CTL_DEL && errno == ENOENT;
}

static bool set_events(struct pool *pool, struct record *r, uint32_t wanted)
{
	int op = op_of(r, wanted);
	uint16_t before = r->watched;

	if (wanted == before)
		return true;
	r->watched = RECORD_WATCH_UNKNOWN;
	atomic_signal_fence(memory_order_seq_cst);
	if (!change_events(pool, r, op, wanted)) {
		r->watched = before;
		return false;
	}
	r->watched = (uint16_t)wanted;
	return true;
}

bool watching_set(struct conn *c)
{
	return set_events(c->pool, c->record, wanted_events(c));
}

void watching_mute(struct pool *pool, struct record *r)
{
	(void)set_events(pool, r, EPOLLERR);
}

bool watching_stop(struct pool *pool, struct record *r)
{
	return set_events(pool, r, 0);
}
