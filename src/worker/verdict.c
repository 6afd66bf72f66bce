/* SPDX-License-Identifier: MIT */
/* Carries out verdicts, and prepares for the next event. It reads nothing: worker/visit.c does. */
#include "worker/verdict.h"

#include "base/clock.h"
#include "base/err.h"
#include "worker/conn.h"
#include "worker/deadline.h"
#include "worker/hand.h"
#include "worker/leaving.h"
#include "worker/share.h"

/*
 * Notes whether a message is in progress. The deadlines of other options (worker/deadline.h) hold
 * for the message that was in progress then, or until the next one begins.
 */
static void note_message(struct pool *pool, struct conn *c)
{
	struct record *r = c->record;
	int64_t before_us = r->begun_us;

	if (conn_is_between_messages(c))
		r->begun_us = 0;
	else if (r->begun_us == 0 || r->messages != pool->hand.messages_before)
		r->begun_us = pool->loop->now_us;
	if (pool->hand.moved == 0 || (r->begun_us != 0 && r->begun_us == before_us))
		return;
	r->grace_ms = 0;
	if (c->peer)
		c->peer->record->grace_ms = 0;
}

void verdict_wait(struct pool *pool, struct conn *side)
{
	struct conn *c = conn_client(side);
	struct record *r = c->record;

	BUG_ON(c->lent.length > 0); /* conn_flush was called */
	note_message(pool, c);
	pool_take_back_buf(pool, &c->in);
	pool_take_back_buf(pool, &c->out);
	if (c->peer) {
		pool_take_back_buf(pool, &c->peer->in);
		pool_take_back_buf(pool, &c->peer->out);
	}
	/* A connection in the run queue needs no other events. */
	if (!ring_has(&pool->queue, side->record->index)) {
		(void)conn_wait(c);
		return;
	}
	conn_store(c);
	deadline_set(pool, r);
}

/* True when one answer is out and the service may have more, but other connections come first. */
static bool has_spent_share(const struct pool *pool, unsigned answers)
{
	int64_t past_us = answers > 1 ? clock_us() - pool->loop->now_us : 0;

	return share_is_spent(pool->is_ahead, pool->hand.moved, answers, past_us);
}

/*
 * True when this side has output that will go out: one that has lost its output asks for no more.
 */
static bool can_drain(const struct conn *c)
{
	return c && conn_has_output(c) && c->record->output < OUTPUT_ENDED;
}

/* The side whose output has gone out in this round, and whose service may have more; or NULL. */
static struct conn *find_drained(struct conn *side, bool side_had, bool peer_had)
{
	if (side_had && !conn_has_output(side))
		return hand_has_more(side) ? side : NULL;
	return peer_had && !conn_has_output(side->peer) && hand_has_more(side->peer) ? side->peer :
										       NULL;
}

static bool is_flushed(const struct conn *c)
{
	return !conn_has_output(c) && (!c->peer || !conn_has_output(c->peer));
}

void verdict_carry_out(struct pool *pool, struct conn *side, enum verdict verdict)
{
	struct conn *c = conn_client(side), *drained;

	for (unsigned round = 0;; round++) {
		bool side_had = can_drain(side), peer_had = can_drain(side->peer);
		enum close_reason leaving;

		if (verdict == ABORT) {
			conn_close(c, CLOSE_service_finished);
			return;
		}
		if (verdict == FINISH)
			conn_move_to(c, CONN_FLUSHING);
		if (!conn_flush(c))
			return;
		leaving = leaving_find(pool, c);
		if (leaving != CLOSE_none) {
			conn_set_close_reason(c, leaving);
			conn_move_to(c, CONN_FLUSHING);
		}
		if (c->record->state == CONN_FLUSHING && is_flushed(c)) {
			conn_half_close(c);
			return;
		}
		drained = find_drained(side, side_had, peer_had);
		if (!drained || c->record->state == CONN_FLUSHING)
			break;
		if (has_spent_share(pool, round + 1)) {
			drained->record->is_unfinished = true;
			ring_push(&pool->queue, drained->record->index);
			break;
		}
		verdict = hand_ask_drained(drained);
	}
	verdict_wait(pool, side);
}
