/* SPDX-License-Identifier: MIT */
/*
 * The life of a connection (states: worker/conn.h): makes every transition, and ends descriptors.
 * worker/visit.c decides what a connection does next.
 */
#include "worker/conn.h"

#include <stdlib.h>

#include "base/brief.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/conn_io.h"
#include "worker/conn_reset.h"
#include "worker/conn_socket.h"
#include "worker/deadline.h"
#include "worker/hand.h"
#include "worker/pair/pair.h"
#include "worker/watching.h"

#define BIT(state) (1U << CONN_##state)

/* The picture of worker/conn.h: the states that may follow each state. */
static const uint8_t next_states[] = {
	[CONN_CLOSED] = BIT(PREFACE) | BIT(WAITING) | BIT(OPEN),
	[CONN_PREFACE] = BIT(WAITING) | BIT(OPEN) | BIT(FLUSHING) | BIT(CLOSED),
	[CONN_WAITING] = BIT(OPEN) | BIT(CLOSED),
	[CONN_OPEN] = BIT(FLUSHING) | BIT(CLOSED),
	[CONN_FLUSHING] = BIT(FLUSHING) | BIT(LINGERING) | BIT(CLOSED),
	[CONN_LINGERING] = BIT(CLOSED),
};

/* The only function that changes the state of a connection; a peer has its client's. */
void conn_move_to(struct conn *c, enum conn_state next)
{
	struct conn *client = conn_client(c);

	BUG_ON((next_states[client->record->state] & 1U << next) == 0);
	client->record->state = (uint8_t)next;
	if (client->peer)
		client->peer->record->state = (uint8_t)next;
}

/* The other process can have made the client's socket linger. */
bool conn_give(struct conn *c, int fd)
{
	struct record *r = c->record;
	int old = r->fd;

	BUG_ON(c->peer || r->is_given);
	if (!watching_stop(c->pool, r))
		return false;
	pool_note_opened(c->pool, fd);
	r->fd = fd;
	r->is_given = true;
	brief_close(old);
	return true;
}

void conn_drop_peer(struct conn *client)
{
	struct record *peer = client->peer ? client->peer->record : NULL;

	if (!peer)
		return;
	conn_store(client); /* buffers that it has been lent since go with its record */
	conn_io_drop_range(peer);
	conn_socket_close(client->pool, peer);
	client->record->peer = 0;
	client->peer = NULL;
	pool_give_record(client->pool, peer);
}

/* True when what one side of a pair has sent does not reach the other, or a stream has no other. */
static bool is_cut(const struct conn *c)
{
	const struct conn *peer = c->peer;
	bool is_open_stream = c->service->is_stream && c->record->state == CONN_OPEN;

	if (!peer)
		return is_open_stream;
	return conn_has_output(c) || conn_has_output(peer) ||
	       (is_open_stream && (buf_used(&c->in) > 0 || buf_used(&peer->in) > 0));
}

/* Neither side must take its end for the end of the whole stream. */
static void reset_if_cut(struct conn *c)
{
	if (!is_cut(c))
		return;
	c->record->is_reset = true;
	if (c->peer)
		c->peer->record->is_reset = true;
}

/* A service that does not know a connection has nothing of it to close. */
static bool is_known(const struct record *r)
{
	return r->state > CONN_WAITING;
}

void conn_close(struct conn *side, enum close_reason reason)
{
	struct conn *c = conn_client(side);
	int error = errno;

	reset_if_cut(c);
	conn_set_close_reason(c, reason);
	if (close_reason_who(c->record->ending) == '-')
		conn_set_phase(c, reason);
	if (c->service->close && is_known(c->record))
		c->service->close(c, c->record->ending);
	conn_log_ended(c, c->pool->loop->now_us, error);
	conn_store(c);
	conn_move_to(c, CONN_CLOSED);
	conn_drop_peer(c);
	conn_socket_close(c->pool, c->record);
	conn_io_drop_range(c->record);
	pool_forget(c->pool, c);
}

void conn_end(struct pool *pool, struct record *r, enum close_reason reason)
{
	conn_close(hand_take(pool, r), reason);
	hand_put_down(pool);
}

enum close_reason conn_reason_of(const struct conn *c, int error)
{
	return conn_is_client(c) ? close_reason_of(error) : close_reason_of_server(error);
}

static bool watch_sides(struct conn *c)
{
	if (!watching_set(c) || (c->peer && !watching_set(c->peer)))
		return false;
	conn_socket_note_buffered(c);
	if (c->peer)
		conn_socket_note_buffered(c->peer);
	conn_store(c); /* the deadline depends on what waits */
	deadline_set(c->pool, c->record);
	if (c->peer)
		deadline_set(c->pool, c->peer->record);
	return true;
}

bool conn_wait(struct conn *c)
{
	if (watch_sides(c))
		return true;
	conn_close(c, CLOSE_system_error);
	return false;
}

static void drop_bytes(struct conn *c)
{
	c->in.start = c->in.end = 0;
	pool_take_back_buf(c->pool, &c->in);
	pool_take_back_buf(c->pool, &c->out);
}

void conn_half_close(struct conn *c)
{
	struct record *r = c->record;

	if (!conn_socket_end_session(c->pool, r)) {
		(void)conn_wait(c);
		return;
	}
	if (r->in_ended || c->conf->linger_timeout == 0 || sys_shutdown(r->fd, SHUT_WR) < 0) {
		conn_close(c, r->in_ended ? CLOSE_client_closed : CLOSE_service_finished);
		return;
	}
	conn_set_close_reason(c, CLOSE_service_finished);
	conn_store(c);
	conn_drop_peer(c);
	conn_move_to(c, CONN_LINGERING);
	r->active_ms = c->pool->loop->now_ms;
	drop_bytes(c);
	(void)conn_wait(c);
}

/*
 * A call on this side has failed with errno. A side of a pair that the other end has left loses its
 * output alone: what came from it before still goes to its peer. An end that is there all the same
 * must not wait for more. Returns true unless the connection has ended.
 */
static bool lose_output(struct conn *c)
{
	struct record *r = c->record;
	int error = errno;

	if (conn_reset_note_shrunk(c, error) || !c->peer ||
	    close_reason_of(error) != CLOSE_client_reset) {
		conn_close(c, conn_reason_of(c, error));
		return false;
	}
	(void)sys_shutdown(r->fd, SHUT_WR);
	if (error != EPIPE)
		r->output = OUTPUT_RESET;
	else if (r->output != OUTPUT_RESET)
		r->output = OUTPUT_ENDED;
	if (conn_is_client(c) || r->output == OUTPUT_RESET)
		conn_set_close_reason(c, conn_reason_of(c, error));
	buf_drop(&c->out, buf_used(&c->out));
	c->lent.length = 0;
	conn_io_drop_range(r);
	return true;
}

bool conn_lose_input(struct conn *c)
{
	if (!lose_output(c))
		return false;
	c->record->in_ended = true;
	return true;
}

/* Returns true unless that ended the connection. */
static bool flush_side(struct conn *c)
{
	return c->record->is_connecting || conn_io_flush(c) != IO_FAILED || lose_output(c);
}

/*
 * The other side was reset: so is this one, since an end would pass for the end of the whole
 * stream. Returns true unless that ended the connection.
 */
static bool pass_reset(struct conn *c)
{
	if (conn_reset_must_wait(c->record))
		return true;
	c->record->is_reset = true;
	errno = ECONNRESET;
	conn_close(c, CLOSE_system_error);
	return false;
}

/*
 * Returns true unless that ended the connection. A side that is not connected any more was reset,
 * as the kernel says it to a send (EPIPE: after its stream's end).
 */
static bool shut_output(struct conn *c)
{
	if (!conn_socket_end_session(c->pool, c->record))
		return true;
	c->record->output = OUTPUT_ENDED;
	if (sys_shutdown(c->record->fd, SHUT_WR) == 0)
		return true;
	if (errno == ENOTCONN)
		errno = c->record->in_ended ? EPIPE : ECONNRESET;
	return lose_output(c);
}

/* Returns true unless that ended the connection. */
static bool end_output_now(struct conn *c)
{
	struct record *r = c->record;

	/* a connect(2) under way would be ended by shutdown(2) */
	if (conn_has_output(c) || r->is_connecting)
		return true;
	if (c->peer && c->peer->record->output == OUTPUT_RESET && conn_in_ended(c->peer))
		return pass_reset(c);
	return shut_output(c);
}

static bool end_output(struct conn *c)
{
	return c->record->output != OUTPUT_ENDING || end_output_now(c);
}

bool conn_flush(struct conn *c)
{
	if (!flush_side(c) || (c->peer && !flush_side(c->peer)))
		return false;
	if (!end_output(c) || (c->peer && !end_output(c->peer)))
		return false;
	if (!c->peer || !pair_is_over(c))
		return true;
	conn_move_to(c, CONN_FLUSHING); /* all has gone out */
	conn_close(c, CLOSE_client_closed);
	return false;
}

static void resume_turn(struct pool *pool, const struct record *r)
{
	if (r->is_unfinished)
		ring_push(&pool->queue, r->index);
}

/* Not in hand: a worker that dies here loses nothing. */
void conn_resume(struct pool *pool, struct record *client)
{
	struct conn *c = hand_view(pool, client);

	pool_join_line(pool, client);
	resume_turn(pool, client);
	if (c->peer)
		resume_turn(pool, c->peer->record);
	if (!watch_sides(c))
		conn_end(pool, client, CLOSE_system_error);
}

void conn_freeze(struct pool *pool, struct record *client)
{
	struct record *peer = pool_peer(pool, client);

	waiting_leave(&pool->waiting, client);
	server_queue_freeze(&pool->queues, client);
	timer_cancel(&pool->timers, &pool->nodes[client->index]);
	ring_remove(&pool->queue, client->index);
	if (!peer)
		return;
	timer_cancel(&pool->timers, &pool->nodes[peer->index]);
	ring_remove(&pool->queue, peer->index);
}

bool conn_detach(struct pool *pool, struct record *client)
{
	struct record *peer = pool_peer(pool, client);

	return watching_stop(pool, client) && (!peer || watching_stop(pool, peer));
}

static unsigned let_go_record(struct pool *pool, struct record *r, int *fds)
{
	unsigned count = 0;

	/* the number of a damaged record may have been dropped (pool_note_opened) */
	if (r->fd >= 0)
		fds[count++] = r->fd;
	if (r->file > 0)
		fds[count++] = r->file;
	if (r->is_piped && r->pipe_end > 0)
		fds[count++] = r->pipe_end;
	pool_give_record(pool, r);
	return count;
}

unsigned conn_let_go(struct pool *pool, struct record *client, int *fds)
{
	struct record *peer = pool_peer(pool, client);
	unsigned count;

	pool_count_out(pool, client);
	/* a peer that is left alone is no connection to recovery */
	count = let_go_record(pool, client, fds);
	return count + (peer ? let_go_record(pool, peer, fds + count) : 0);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* A descriptor that stayed open would hold its connection open beyond its end. */
static void close_fds_from(unsigned first, unsigned last)
{
	if (sys_close_range(first, last) == 0)
		return;
	for (unsigned fd = first; fd <= last; fd++)
		(void)sys_close((int)fd);
}

/*
 * Neighbours go together: a call for each would cost more than the moving itself. The receiver may
 * have made them linger and closed its copies.
 */
void conn_close_fds(int *fds, unsigned count)
{
	struct brief brief;

	brief_begin(&brief);
	qsort(fds, count, sizeof(*fds), by_number);
	for (unsigned i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && fds[end] == fds[end - 1] + 1;)
			end++;
		close_fds_from((unsigned)fds[i], (unsigned)fds[end - 1]);
	}
	brief_end(&brief);
}
