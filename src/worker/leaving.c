/* SPDX-License-Identifier: MIT */
/* Decides; worker/visit.c ends the connection. */
#include "worker/leaving.h"

#include "worker/deadline.h"
#include "worker/transport.h"
#include "worker/watching.h"

static bool has_input(const struct conn *c)
{
	return watching_reads(c) && c->transport->has_input(c);
}

struct conn *leaving_find_input(const struct pool *pool, struct conn *c)
{
	const struct record *r = c->record;

	if (r->begun_us != 0 && (!pool_stream_rests(pool, r) || deadline_is_far_too_old(pool, r)))
		return NULL;
	if (has_input(c))
		return c;
	return c->peer && has_input(c->peer) ? c->peer : NULL;
}

enum close_reason leaving_find(const struct pool *pool, const struct conn *c)
{
	const struct record *r = c->record;
	bool is_old = deadline_is_too_old(pool, r);

	if ((!pool->draining && !r->is_barred && !is_old) || r->state != CONN_OPEN ||
	    !conn_is_between_messages(c))
		return CLOSE_none;
	/* a visit reads from one side alone */
	if (c->peer && (has_input(c) || has_input(c->peer)))
		return CLOSE_none;
	if (pool->draining && (r->in_ended || deadline_drained_ms(pool, r) <= pool->loop->now_ms))
		return CLOSE_drained;
	if (r->is_barred && pool->hand.moved > 0)
		return CLOSE_access_withdrawn;
	return is_old && (pool->hand.moved > 0 || !has_input(c)) ? CLOSE_lifetime_reached :
								   CLOSE_none;
}
