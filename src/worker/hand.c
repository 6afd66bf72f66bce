/* SPDX-License-Identifier: MIT */
/* Opens and closes the connection in hand. It makes no transition: worker/conn.c does. */
#include "worker/hand.h"

#include "accesslog/accesslog.h"
#include "base/clock.h"
#include "base/sys.h"
#include "worker/pair/pair.h"

struct conn *hand_view(struct pool *pool, struct record *client)
{
	pool_view_pair(pool, client, &pool->hand.client, &pool->hand.peer);
	return &pool->hand.client;
}

/* The slot notes the client: the crash report must not depend on the arena. */
void hand_note_client(struct pool *pool, const struct record *client)
{
	struct slot *slot = pool->slot;

	slot->hand = client->remote;
	slot->hand_port = client->remote_port;
	atomic_store_explicit(&slot->has_hand, 1, memory_order_relaxed);
}

struct conn *hand_take(struct pool *pool, struct record *r)
{
	struct record *client = r->side == SIDE_CLIENT ? r : pool_peer(pool, r);
	struct hand *hand = &pool->hand;

	hand_note_client(pool, client);
	pool_take_in_hand(pool, client->index);
	(void)hand_view(pool, client);
	hand->moved = 0;
	hand->asked_us = 0;
	hand->messages_before = client->messages;
	hand->begun_us = client->begun_us != 0 ? client->begun_us : pool->loop->now_us;
	return r == client ? &hand->client : &hand->peer;
}

/* Only the first can have begun before this turn; the others are timed at the end of the turn. */
static void count_messages(struct pool *pool)
{
	const struct hand *hand = &pool->hand;
	uint64_t answered = hand->client.record->messages - hand->messages_before;

	if (answered == 0)
		return;
	cell_add(&pool_tally(pool, hand->client.record)->messages_total, answered);
	if (hand->begun_us < pool->loop->now_us) {
		histogram_add(&pool->slot->tally.message_seconds,
			      (uint64_t)(pool->loop->now_us - hand->begun_us), 1);
		answered--;
	}
	pool->answered += answered;
}

/*
 * The record may be free by now, but no other connection has it yet. Each visit has ended in a wait
 * or a close, which have written the buffers to the record.
 */
void hand_put_down(struct pool *pool)
{
	count_messages(pool);
	pool_put_down(pool);
	atomic_store_explicit(&pool->slot->has_hand, 0, memory_order_relaxed);
	if (accesslog_is_on)
		accesslog_relieve(ACCESSLOG_FULL);
}

/*
 * Calls the service. Measures its CPU time: by wall time a connection would be charged for a client
 * that the kernel let run first. System calls are left out: on the loopback device a send is
 * charged with packets of other connections, at times for milliseconds.
 */
static inline enum verdict call(struct conn *c, enum verdict (*hook)(struct conn *))
{
	struct pool *pool = c->pool;
	bool is_weighing = pool->is_weighing && !c->service->is_stream; /* to relay costs little */
	int64_t begun_us = is_weighing ? clock_cpu_us() : 0;
	enum verdict verdict;

	pool_lend_buf(pool, &c->out);
	if (c->peer)
		pool_lend_buf(pool, &c->peer->out);
	conn_store(c); /* for the report, should the service crash */
	verdict = hook(c);
	if (is_weighing)
		pool->hand.asked_us += clock_cpu_us() - begun_us;
	if (record_has_file(c->record))
		pool_note_opened(pool, c->record->file);
	return verdict;
}

enum verdict hand_ask_preface(struct conn *c)
{
	return call(c, c->service->preface);
}

enum verdict hand_ask_open(struct conn *c)
{
	return call(c, c->service->open);
}

static enum verdict call_input(struct conn *c)
{
	if (c->service->input)
		return c->service->input(c);
	if (c->peer)
		return pair_relay(c);
	buf_drop(&c->in, buf_used(&c->in));
	return conn_in_ended(c) ? FINISH : MORE;
}

enum verdict hand_ask_input(struct conn *c)
{
	return call(c, call_input);
}

/* What waits for this side's output is the input of the other. */
static bool has_more_to_relay(const struct conn *c)
{
	return c->peer && (buf_used(&c->peer->in) > 0 ||
			   (conn_in_ended(c->peer) && c->record->output == OUTPUT_OPEN));
}

bool hand_has_more(const struct conn *c)
{
	if (c->service->is_stream)
		return has_more_to_relay(c);
	return c->service->drained || c->peer || conn_in_ended(c) || !conn_is_between_messages(c);
}

static enum verdict call_drained(struct conn *c)
{
	c->record->is_unfinished = false;
	if (c->service->drained)
		return c->service->drained(c);
	/* what waits for this side's output is the input of the other */
	return c->peer ? pair_relay(c->peer) : call_input(c);
}

enum verdict hand_ask_drained(struct conn *c)
{
	return call(c, call_drained);
}

static enum verdict call_expired(struct conn *c)
{
	c->record->due_ms = 0;
	return c->service->expired ? c->service->expired(c) : conn_finish(c, CLOSE_idle_timeout);
}

enum verdict hand_ask_expired(struct conn *c)
{
	return call(c, call_expired);
}

enum verdict hand_ask_timed_out(struct conn *c, enum close_reason why)
{
	conn_set_close_reason(c, why);
	return c->service->timed_out ? call(c, c->service->timed_out) : FINISH;
}

static enum verdict call_connected(struct conn *peer)
{
	return peer->service->connected ? peer->service->connected(peer) : MORE;
}

enum verdict hand_ask_connected(struct conn *peer, int error)
{
	peer->pool->hand.connect_error = error;
	return call(peer, call_connected);
}

bool hand_ask_lost(struct conn *peer, int error, enum verdict *verdict)
{
	int kept = errno;
	bool goes_on;

	peer->pool->hand.connect_error = error;
	conn_store(peer); /* the service may drop it with its buffers */
	goes_on = peer->service->lost && peer->service->lost(peer, verdict);
	errno = kept;
	return goes_on;
}
