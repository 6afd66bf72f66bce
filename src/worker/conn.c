/* SPDX-License-Identifier: MIT */
/*
 * The life of a connection (states: worker/conn.h): moves bytes between the kernel and the service,
 * keeps the deadlines, and makes every transition. A connection either reads or writes: while an
 * answer waits for the client nothing more is read from it, so its memory is bounded. It makes one
 * recv for each event: a short read means drained, and epoll is level-triggered.
 */
#include "worker/conn.h"

#include "accesslog/accesslog.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/transport.h"

static void take_in_hand(struct pool *pool, const struct conn *c)
{
	struct slot *slot = pool->slot;

	slot->hand = c->remote;
	slot->hand_port = c->remote_port;
	atomic_store_explicit(&slot->has_hand, 1, memory_order_relaxed);
	pool_take_in_hand(pool, c->index);
	pool->moved = 0;
	pool->asked_us = 0;
	pool->messages_before = c->messages;
	pool->begun_us = c->begun_us != 0 ? c->begun_us : pool->loop->now_us;
}

/* Only the first can have begun before this turn; the others are timed at the end of the turn. */
static void count_messages(struct pool *pool, const struct conn *c)
{
	uint64_t answered = c->messages - pool->messages_before;

	if (answered == 0)
		return;
	cell_add(&pool_tally(pool, c)->messages_total, answered);
	if (pool->begun_us < pool->loop->now_us) {
		histogram_add(&pool->slot->tally.message_seconds,
			      (uint64_t)(pool->loop->now_us - pool->begun_us), 1);
		answered--;
	}
	pool->answered += answered;
}

/* The record may be free by now, but no other connection has it yet. */
static void put_down(struct pool *pool, struct conn *c)
{
	count_messages(pool, c);
	pool_put_down(pool);
	atomic_store_explicit(&pool->slot->has_hand, 0, memory_order_relaxed);
	if (accesslog_is_on)
		accesslog_relieve(ACCESSLOG_FULL);
}

static void end_conn(struct pool *pool, struct conn *c, enum close_reason reason)
{
	int error = errno;

	conn_set_close_reason(c, reason);
	if (close_reason_who(c->ending) == '-')
		conn_set_phase(c, reason);
	if (c->service->close)
		c->service->close(c, c->ending);
	conn_log_ended(c, pool->loop->now_us, error);
	c->in.start = c->in.end = c->out.start = c->out.end = 0;
	pool_take_back_buf(pool, &c->in);
	pool_take_back_buf(pool, &c->out);
	c->state = CONN_CLOSED;
	/* The descriptor is gone whatever close returns (close(2)). */
	(void)sys_close(c->fd);
	pool_forget(pool, c);
}

void conn_end(struct pool *pool, struct conn *c, enum close_reason reason)
{
	take_in_hand(pool, c);
	end_conn(pool, c, reason);
	put_down(pool, c);
}

/* Sets the events that the connection waits for; returns true unless that ended the connection. */
static bool watch_conn(struct pool *pool, struct conn *c)
{
	uint32_t wanted = 0;
	int op = c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (buf_used(&c->out) > 0)
		wanted = EPOLLOUT;
	else if (!c->in_ended)
		wanted = EPOLLIN;
	else
		wanted = EPOLLERR; /* always reported; keeps 0 for "not in epoll" */
	if (wanted == c->watched)
		return true;
	if (!loop_tag(pool->loop, op, c->fd, wanted, pool_tag(c))) {
		end_conn(pool, c, CLOSE_system_error);
		return false;
	}
	c->watched = (uint16_t)wanted;
	return true;
}

/* The server ends its side; the client may still read the last answer and end its own. */
static void half_close(struct pool *pool, struct conn *c)
{
	if (c->in_ended || c->conf->linger_timeout == 0 || sys_shutdown(c->fd, SHUT_WR) < 0) {
		end_conn(pool, c, c->in_ended ? CLOSE_client_closed : CLOSE_service_finished);
		return;
	}
	conn_set_close_reason(c, CLOSE_service_finished);
	c->state = CONN_LINGERING;
	c->active_ms = pool->loop->now_ms;
	c->in.start = c->in.end = 0;
	pool_take_back_buf(pool, &c->in);
	pool_take_back_buf(pool, &c->out);
	if (watch_conn(pool, c))
		pool_set_deadline(pool, c);
}

/* Sends the pending output; returns true unless that ended the connection. */
static bool flush_output(struct pool *pool, struct conn *c)
{
	ssize_t sent;

	if (buf_used(&c->out) == 0)
		return true;
	sent = transport_send(c);
	if (sent < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return true;
		end_conn(pool, c, close_reason_of(errno));
		return false;
	}
	pool->moved += (size_t)sent;
	c->bytes_out += (uint64_t)sent;
	c->active_ms = pool->loop->now_ms;
	cell_add(&pool_tally(pool, c)->bytes_out_total, (uint64_t)sent);
	return true;
}

static enum verdict call_input(struct conn *c)
{
	if (c->service->input)
		return c->service->input(c);
	buf_drop(&c->in, buf_used(&c->in));
	return c->in_ended ? FINISH : MORE;
}

static enum verdict call_drained(struct conn *c)
{
	c->is_unfinished = false;
	return c->service->drained ? c->service->drained(c) : call_input(c);
}

/*
 * Measures the service's CPU time: by wall time a connection would be charged for a client that the
 * kernel let run first. System calls are left out: on the loopback device a send is charged with
 * packets of other connections, at times for milliseconds.
 */
static enum verdict call_service(struct pool *pool, struct conn *c,
				 enum verdict (*hook)(struct conn *))
{
	int64_t before_us = pool->is_weighing ? clock_cpu_us() : 0;
	enum verdict verdict = hook(c);

	if (pool->is_weighing)
		pool->asked_us += clock_cpu_us() - before_us;
	return verdict;
}

/* After a visit: notes whether a message is in progress, and waits for the next event. */
static void wait_for_client(struct pool *pool, struct conn *c)
{
	if (conn_is_between_messages(c))
		c->begun_us = 0;
	else if (c->begun_us == 0 || c->messages != pool->messages_before)
		c->begun_us = pool->loop->now_us;
	pool_take_back_buf(pool, &c->in);
	pool_take_back_buf(pool, &c->out);
	/* A connection in the run queue needs no other events. */
	if (runqueue_has(&pool->queue, c->index) || watch_conn(pool, c))
		pool_set_deadline(pool, c);
}

/*
 * True when a draining worker may end it now. A connection that has sent nothing yet has a moment
 * to do so.
 */
static bool may_leave(const struct pool *pool, const struct conn *c)
{
	return pool->draining && c->state == CONN_OPEN && conn_is_between_messages(c) &&
	       (c->bytes_in > 0 || c->in_ended || pool_is_stale(pool, c));
}

/* True when one answer is out and the service may have more, but other connections come first. */
static bool has_spent_share(const struct pool *pool, unsigned answers)
{
	int64_t past_us = answers > 1 ? clock_us() - pool->loop->now_us : 0;

	return runqueue_is_spent(pool->is_ahead, pool->moved, answers, past_us);
}

/*
 * Carries out the service's verdict: sends, calls the service for more while the client takes it
 * and the share lasts, and ends the connection.
 */
static void carry_out(struct pool *pool, struct conn *c, enum verdict verdict)
{
	for (unsigned round = 0;; round++) {
		bool had_answer = buf_used(&c->out) > 0;

		if (verdict == ABORT) {
			end_conn(pool, c, CLOSE_service_finished);
			return;
		}
		if (verdict == FINISH)
			c->state = CONN_FLUSHING;
		if (!flush_output(pool, c))
			return;
		if (buf_used(&c->out) > 0)
			break;
		if (may_leave(pool, c))
			verdict = conn_finish(c, CLOSE_drained);
		if (c->state == CONN_FLUSHING || verdict == FINISH) {
			half_close(pool, c);
			return;
		}
		if (!had_answer)
			break;
		if (has_spent_share(pool, round + 1)) {
			c->is_unfinished = true;
			runqueue_push(&pool->queue, c->index);
			break;
		}
		pool_lend_buf(pool, &c->out);
		verdict = call_service(pool, c, call_drained);
	}
	wait_for_client(pool, c);
}

static void call_and_carry_out(struct pool *pool, struct conn *c,
			       enum verdict (*hook)(struct conn *))
{
	pool_lend_buf(pool, &c->out);
	carry_out(pool, c, call_service(pool, c, hook));
}

/* True when the service has new input: bytes or the client's end. May end the connection. */
static bool receive_input(struct pool *pool, struct conn *c)
{
	ssize_t got;

	pool_lend_buf(pool, &c->in);
	if (c->in.start > 0 && buf_room(&c->in) == 0) {
		memmove(c->in.base, buf_head(&c->in), buf_used(&c->in));
		c->in.end -= c->in.start;
		c->in.start = 0;
	}
	BUG_ON(buf_room(&c->in) == 0); /* a service that keeps so much must not return MORE */
	got = transport_receive(c);
	if (got > 0) {
		pool->moved += (size_t)got;
		if (c->bytes_in == 0)
			histogram_add(&pool->slot->tally.first_byte_seconds,
				      (uint64_t)(pool->loop->now_us - c->opened_us), 1);
		c->bytes_in += (uint64_t)got;
		c->active_ms = pool->loop->now_ms;
		cell_add(&pool_tally(pool, c)->bytes_in_total, (uint64_t)got);
		return true;
	}
	if (got == 0) {
		c->in_ended = true;
		return true;
	}
	if (errno != EAGAIN && errno != EINTR)
		end_conn(pool, c, close_reason_of(errno));
	return false;
}

static void read_and_serve(struct pool *pool, struct conn *c)
{
	if (receive_input(pool, c))
		call_and_carry_out(pool, c, call_input);
	else if (c->state != CONN_CLOSED)
		wait_for_client(pool, c);
}

/* Bytes that a client sends after the server's end are dropped; the client's own end counts. */
static void discard_input(struct pool *pool, struct conn *c)
{
	struct buf waste = { 0 };
	ssize_t got;

	pool_lend_buf(pool, &waste);
	got = transport_discard(c, &waste);
	pool_take_back_buf(pool, &waste);
	if (got > 0)
		pool->moved += (size_t)got;
	if (got == 0)
		end_conn(pool, c, CLOSE_client_closed);
	else if (got < 0 && errno != EAGAIN && errno != EINTR)
		end_conn(pool, c, close_reason_of(errno));
	else
		(void)watch_conn(pool, c);
}

void conn_begin(struct pool *pool, struct conn *c)
{
	take_in_hand(pool, c);
	if (c->service->open)
		call_and_carry_out(pool, c, c->service->open);
	else
		read_and_serve(pool, c);
	put_down(pool, c);
}

/* The service may have more output; if not, the client may have sent more input. */
static void go_on(struct pool *pool, struct conn *c)
{
	enum verdict verdict;

	pool_lend_buf(pool, &c->out);
	verdict = call_service(pool, c, call_drained);
	if (verdict == MORE && buf_used(&c->out) == 0 && !c->in_ended)
		read_and_serve(pool, c);
	else
		carry_out(pool, c, verdict);
}

static void serve_event(struct pool *pool, struct conn *c, uint32_t events)
{
	if (c->state == CONN_LINGERING)
		discard_input(pool, c);
	else if (buf_used(&c->out) > 0)
		carry_out(pool, c, c->state == CONN_FLUSHING ? FINISH : MORE);
	else if (c->is_unfinished)
		go_on(pool, c);
	else if (!c->in_ended)
		read_and_serve(pool, c);
	else if (events & (EPOLLERR | EPOLLHUP))
		end_conn(pool, c, CLOSE_client_reset);
}

void conn_ready(struct pool *pool, struct conn *c, uint32_t events)
{
	take_in_hand(pool, c);
	serve_event(pool, c, events);
	/* Input that has already come is answered first. */
	if (pool->draining && c->magic == CONN_MAGIC && may_leave(pool, c))
		carry_out(pool, c, conn_finish(c, CLOSE_drained));
	put_down(pool, c);
}

/* EPOLLERR is reported in any case, and keeps 0 for "not in epoll". */
void conn_mute(struct pool *pool, struct conn *c)
{
	if (c->watched == EPOLLERR)
		return;
	if (!loop_tag(pool->loop, EPOLL_CTL_MOD, c->fd, EPOLLERR, pool_tag(c)))
		return; /* epoll goes on reporting it */
	c->watched = EPOLLERR;
}

void conn_expire(struct pool *pool, struct conn *c)
{
	enum close_reason why;
	int64_t due = pool_due_ms(pool, c, &why);

	if (due == 0 || pool_put_off(pool, c, due))
		return;
	take_in_hand(pool, c);
	if (c->state == CONN_LINGERING || why == CLOSE_send_timeout || c->state == CONN_FLUSHING)
		end_conn(pool, c, why);
	else
		carry_out(pool, c, conn_finish(c, why));
	put_down(pool, c);
}

void conn_resume(struct pool *pool, struct conn *c)
{
	take_in_hand(pool, c);
	c->serial = ++pool->last_serial & INT32_MAX;
	c->watched = 0;
	c->timer = (struct timer_node){ 0 };
	c->weight = WEIGHT_UNKNOWN;
	if (c->is_unfinished)
		runqueue_push(&pool->queue, c->index);
	if (watch_conn(pool, c))
		pool_set_deadline(pool, c);
	put_down(pool, c);
}
