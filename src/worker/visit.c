/* SPDX-License-Identifier: MIT */
/*
 * Visits a connection: reads, and calls its service; worker/verdict.c carries out what it says. By
 * default a connection either reads or writes: while an answer waits for the client nothing more is
 * read from it, so its memory is bounded. A visit makes one recv for each event: a short read means
 * drained, and epoll is level-triggered.
 */
#include "worker/visit.h"

#include "base/log.h"
#include "base/sys.h"
#include "worker/conn.h"
#include "worker/conn_io.h"
#include "worker/deadline.h"
#include "worker/hand.h"
#include "worker/leaving.h"
#include "worker/limit/admit.h"
#include "worker/pace.h"
#include "worker/preface/preface.h"
#include "worker/transport.h"
#include "worker/verdict.h"
#include "worker/watching.h"

static bool is_sending(const struct conn *c)
{
	return conn_is_sending(c) || (c->peer && conn_is_sending(c->peer));
}

static bool is_open(const struct conn *c)
{
	return record_is_used(c->record) && c->record->state != CONN_CLOSED;
}

/* A connection whose access was withdrawn ends when its next message comes. */
static bool is_barred_now(const struct conn *c)
{
	const struct record *r = c->record;

	return r->is_barred && (r->begun_us == 0 || c->service->is_stream) && conn_is_client(c);
}

/* Rare, unless a dead worker's epoll reports another descriptor as this one. */
static void wait_in_vain(struct pool *pool, struct conn *c)
{
	pool->loop->strays++;
	verdict_wait(pool, c);
}

/* A stream in bulk passes by the buffers, until it runs dry. */
static enum conn_io receive(struct conn *c)
{
	enum conn_io io = IO_NONE;

	if (c->service->is_stream && conn_io_can_splice(c))
		io = conn_io_splice(c);
	return io == IO_NONE ? conn_io_receive(c) : io;
}

/* What has just come goes no further, which cuts a stream. */
static void withdraw_access(struct pool *pool, struct conn *c)
{
	if (c->service->is_stream)
		conn_close(c, CLOSE_access_withdrawn);
	else
		verdict_carry_out(pool, c, conn_finish(c, CLOSE_access_withdrawn));
}

static void read_and_serve(struct pool *pool, struct conn *c)
{
	bool is_barred = is_barred_now(c);
	enum verdict verdict;
	enum conn_io io = receive(c);

	if (io == IO_FAILED && !conn_is_client(c) && hand_ask_lost(c, errno, &verdict)) {
		verdict_carry_out(pool, &pool->hand.client, verdict);
		return;
	}
	if (io == IO_FAILED && !conn_lose_input(c))
		return;
	if (io == IO_NONE)
		wait_in_vain(pool, c);
	else if (is_barred && !c->record->in_ended)
		withdraw_access(pool, c);
	else
		verdict_carry_out(pool, c, hand_ask_input(c));
}

/* Bytes that a client sends after the server's end are dropped; the client's own end counts. */
static void discard_input(struct conn *c)
{
	enum conn_io io = conn_io_discard(c);

	if (io == IO_FAILED)
		conn_close(c, close_reason_of(errno));
	else if (c->record->in_ended)
		conn_close(c, CLOSE_client_closed);
	else
		(void)conn_wait(c);
}

/* Input that came with the preface, or behind it, is served at once. */
static void open_conn(struct pool *pool, struct conn *c)
{
	bool has_hook = c->service->open;

	conn_move_to(c, CONN_OPEN);
	if (has_hook)
		verdict_carry_out(pool, c, hand_ask_open(c));
	if (has_hook && (!is_open(c) || c->record->state != CONN_OPEN || conn_has_output(c)))
		return;
	if (buf_used(&c->in) > 0 || conn_in_ended(c))
		verdict_carry_out(pool, c, hand_ask_input(c));
	else if (!has_hook)
		read_and_serve(pool, c);
}

/* Unread: nothing is asked for but the client's end. */
static void wait_for_room(struct pool *pool, struct conn *c)
{
	pool_take_back_buf(pool, &c->in);
	pool_take_back_buf(pool, &c->out);
	(void)conn_wait(c);
}

/* The client's address is known, and its limits were asked. */
static void enter(struct pool *pool, struct conn *c, enum admit admit)
{
	if (admit == ADMIT_OPEN)
		open_conn(pool, c);
	else if (admit == ADMIT_WAITS)
		wait_for_room(pool, c);
}

static void read_preface(struct pool *pool, struct conn *c)
{
	enum preface state = preface_read(c);

	if (state == PREFACE_OVER)
		enter(pool, c, admit_new(c));
	else if (state == PREFACE_WAITS)
		verdict_wait(pool, c);
}

void visit_first(struct pool *pool, struct record *r)
{
	struct conn *c = hand_take(pool, r);

	if (preface_begin(c))
		read_preface(pool, c);
	else
		enter(pool, c, admit_new(c));
	hand_put_down(pool);
}

/* The service may have more output; if not, the client may have sent more input. */
static void go_on(struct pool *pool, struct conn *c)
{
	enum verdict verdict = hand_ask_drained(c);

	if (verdict == MORE && !is_sending(c) && watching_reads(c))
		read_and_serve(pool, c);
	else
		verdict_carry_out(pool, c, verdict);
}

/* No send tells of a client that is gone while its answer pauses. */
static bool is_lost_in_pause(const struct pool *pool, const struct conn *c, uint32_t events)
{
	return (events & (EPOLLERR | EPOLLHUP)) && conn_has_output(c) &&
	       pace_pauses(c->conf, c->record, pool->loop->now_ms);
}

/*
 * One that is asked for writing alone reads in the next turn. A hang-up of a pair waits until the
 * other side has taken what came before it.
 */
static void serve_open(struct pool *pool, struct conn *c, uint32_t events)
{
	if (is_lost_in_pause(pool, c, events))
		conn_close(c, CLOSE_client_reset);
	else if (c->record->state == CONN_FLUSHING)
		verdict_carry_out(pool, c, FINISH);
	else if (conn_is_sending(c) && events != EPOLLIN)
		verdict_carry_out(pool, c, MORE);
	else if (c->record->is_unfinished)
		go_on(pool, c);
	else if (watching_reads(c))
		read_and_serve(pool, c);
	else if ((events & (EPOLLERR | EPOLLHUP)) && !c->peer)
		conn_close(c, CLOSE_client_reset);
	else
		verdict_wait(pool, c);
}

/* The service may have replaced the peer: what follows is of the client's side. */
static void end_connect(struct pool *pool, struct conn *peer)
{
	struct conn *client = conn_client(peer);
	int error = 0;
	socklen_t len = sizeof(error);

	if (sys_getsockopt(peer->record->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	peer->record->is_connecting = false;
	if (error != 0 && !peer->service->connected)
		conn_close(client, conn_reason_of(peer, error));
	else
		verdict_carry_out(pool, client, hand_ask_connected(peer, error));
}

static void serve_event(struct pool *pool, struct conn *c, uint32_t events)
{
	bool was_connecting = c->record->is_connecting;

	if (c->record->is_connecting && c->record->state == CONN_OPEN)
		end_connect(pool, c);
	else if (c->record->state == CONN_LINGERING)
		discard_input(c);
	else if (c->record->state == CONN_WAITING)
		enter(pool, c, admit_waiting(c, events));
	else if (c->record->state == CONN_PREFACE)
		read_preface(pool, c);
	else
		serve_open(pool, c, events);
	/* full duplex: both were reported */
	if (!was_connecting && is_open(c) && c->record->state == CONN_OPEN && (events & EPOLLOUT) &&
	    (events & EPOLLIN) && !ring_has(&pool->queue, c->record->index) && watching_reads(c))
		read_and_serve(pool, c);
}

/* An epoll that a dead worker has left may report what the record does not say. */
static void note_events(struct pool *pool, struct record *r, uint32_t events)
{
	if ((events & ~((uint32_t)r->watched | EPOLLERR | EPOLLHUP)) == 0)
		return;
	r->watched = RECORD_WATCH_UNKNOWN;
	pool->loop->strays++;
}

void visit_ready(struct pool *pool, struct record *r, uint32_t events)
{
	struct conn *side = hand_take(pool, r), *c = conn_client(side);

	note_events(pool, r, events);
	serve_event(pool, side, events);
	/* Input that has already come is answered first. */
	if (is_open(c) && leaving_find(pool, c) != CLOSE_none)
		verdict_carry_out(pool, c, conn_finish(c, leaving_find(pool, c)));
	hand_put_down(pool);
}

/* Where the kernel does not tell whether the other end has taken a little, a try does. */
static void cut_off(struct pool *pool, struct conn *c, enum close_reason why)
{
	uint64_t before = c->record->bytes_out;

	if (!deadline_sees_taken(c->record))
		verdict_carry_out(pool, c, c->record->state == CONN_FLUSHING ? FINISH : MORE);
	if (is_open(c) && c->record->bytes_out == before)
		conn_close(c, why);
}

static void expire_now(struct pool *pool, struct conn *c, enum close_reason why)
{
	enum conn_state state = c->record->state;
	bool is_early = state == CONN_OPEN &&
			(why == CLOSE_lifetime_reached || why == CLOSE_drained);
	struct conn *unread = is_early ? leaving_find_input(pool, c) : NULL;

	if (unread)
		read_and_serve(pool, unread); /* and then it ends */
	else if (why == CLOSE_none)
		verdict_carry_out(pool, c, hand_ask_expired(c));
	else if (deadline_cuts(why))
		cut_off(pool, c, why);
	else if (state == CONN_OPEN)
		verdict_carry_out(pool, c, hand_ask_timed_out(c, why));
	else
		conn_close(c, why);
}

static void resume_sending(struct pool *pool, struct record *r)
{
	struct conn *c = hand_take(pool, r);

	verdict_carry_out(pool, c, r->state == CONN_FLUSHING ? FINISH : MORE);
	hand_put_down(pool);
}

void visit_due(struct pool *pool, struct record *r)
{
	enum close_reason why;
	int64_t due_ms;

	if (deadline_resumes(pool, r)) {
		resume_sending(pool, r);
		return;
	}
	due_ms = deadline_look(pool, r, &why);
	if (deadline_put_off(pool, r, due_ms, why))
		return;
	if (r->state == CONN_WAITING)
		serve_event(pool, hand_take(pool, r), 0);
	else
		expire_now(pool, hand_take(pool, r), why);
	hand_put_down(pool);
}
