/* SPDX-License-Identifier: MIT */
/*
 * The life of a connection (the picture is in worker/conn.h): moves bytes between the kernel
 * and the service, keeps the deadlines, and makes every transition. A connection either reads
 * or writes: while an answer waits for the client nothing more is read from it, so its memory
 * is bounded. One receive for each word of epoll: a short one means drained, and epoll is
 * level-triggered.
 */
#include "worker/conn.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/accesslog.h"
#include "worker/deadline.h"
#include "worker/pool.h"

static void take_in_hand(struct conns *all, const struct conn *c)
{
	struct slot *slot = all->slot;

	slot->hand = c->remote;
	slot->hand_port = c->remote_port;
	atomic_store_explicit(&slot->has_hand, 1, memory_order_relaxed);
	conns_take_in_hand(all, c->index);
	all->moved = 0;
	all->asked_us = 0;
	all->messages_before = c->messages;
	all->begun_us = c->begun_us != 0 ? c->begun_us : all->loop->now_us;
}

/* Only the first can have begun before this turn; those that began in it are timed at its end. */
static void count_messages(struct conns *all, const struct conn *c)
{
	uint64_t answered = c->messages - all->messages_before;

	if (answered == 0)
		return;
	cell_add(&conns_tally(all, c)->messages_total, answered);
	if (all->begun_us < all->loop->now_us) {
		histogram_add(&all->slot->tally.message_seconds,
			      (uint64_t)(all->loop->now_us - all->begun_us), 1);
		answered--;
	}
	all->answered += answered;
}

/* The record may be free by now, but nobody else has it yet. */
static void put_down(struct conns *all, struct conn *c)
{
	count_messages(all, c);
	conns_put_down(all);
	atomic_store_explicit(&all->slot->has_hand, 0, memory_order_relaxed);
	if (accesslog_is_on)
		accesslog_relieve(ACCESSLOG_FULL);
}

static void end(struct conns *all, struct conn *c, enum close_reason reason)
{
	int error = errno;

	conn_set_close_reason(c, reason);
	if (close_reason_who(c->ending) == '-')
		conn_set_phase(c, reason);
	if (c->service->close)
		c->service->close(c, c->ending);
	conn_log_ended(c, all->loop->now_us, error);
	c->in.start = c->in.end = c->out.start = c->out.end = 0;
	conns_take_back(all, &c->in);
	conns_take_back(all, &c->out);
	c->state = CONN_CLOSED;
	/* Whatever close says, the descriptor is gone (close(2)). */
	(void)sys_close(c->fd);
	conns_forget(all, c);
}

void conn_end(struct conns *all, struct conn *c, enum close_reason reason)
{
	take_in_hand(all, c);
	end(all, c, reason);
	put_down(all, c);
}

/* Asks epoll for what the connection waits for now; true unless that ended it. */
static bool watch(struct conns *all, struct conn *c)
{
	uint32_t wanted = 0;
	int op = c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (buf_used(&c->out) > 0)
		wanted = EPOLLOUT;
	else if (!c->in_ended)
		wanted = EPOLLIN;
	else
		wanted = EPOLLERR; /* always reported, and so that 0 means "not in epoll" */
	if (wanted == c->watched)
		return true;
	if (!loop_tag(all->loop, op, c->fd, wanted, conns_tag(c))) {
		end(all, c, CLOSE_system_error);
		return false;
	}
	c->watched = (uint16_t)wanted;
	return true;
}

/* Our side ends; the client may still read the last answer and end its own. */
static void half_close(struct conns *all, struct conn *c)
{
	if (c->in_ended || c->conf->linger_timeout == 0 || sys_shutdown(c->fd, SHUT_WR) < 0) {
		end(all, c, c->in_ended ? CLOSE_client_closed : CLOSE_service_finished);
		return;
	}
	conn_set_close_reason(c, CLOSE_service_finished);
	c->state = CONN_LINGERING;
	c->active_ms = all->loop->now_ms;
	c->in.start = c->in.end = 0;
	conns_take_back(all, &c->in);
	conns_take_back(all, &c->out);
	if (watch(all, c))
		deadline_set(all, c);
}

/* Sends what there is; true unless that ended the connection. */
static bool flush(struct conns *all, struct conn *c)
{
	ssize_t sent;

	if (buf_used(&c->out) == 0)
		return true;
	sent = sys_send(c->fd, buf_head(&c->out), buf_used(&c->out), MSG_NOSIGNAL);
	if (sent < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return true;
		end(all, c, close_reason_of(errno));
		return false;
	}
	buf_drop(&c->out, (size_t)sent);
	all->moved += (size_t)sent;
	c->bytes_out += (uint64_t)sent;
	c->active_ms = all->loop->now_ms;
	cell_add(&conns_tally(all, c)->bytes_out_total, (uint64_t)sent);
	return true;
}

static enum verdict input(struct conn *c)
{
	if (c->service->input)
		return c->service->input(c);
	buf_drop(&c->in, buf_used(&c->in));
	return c->in_ended ? FINISH : MORE;
}

static enum verdict drained(struct conn *c)
{
	c->is_unfinished = false;
	return c->service->drained ? c->service->drained(c) : input(c);
}

/*
 * What the service computes is timed by the processor's time: the clock would blame a connection
 * for a client that the kernel let run first. The system calls are left out: on the loopback device
 * a send is charged with packets of other connections, for milliseconds at times.
 */
static enum verdict ask(struct conns *all, struct conn *c, enum verdict (*hook)(struct conn *))
{
	int64_t before_us = all->is_weighing ? clock_cpu_us() : 0;
	enum verdict verdict = hook(c);

	if (all->is_weighing)
		all->asked_us += clock_cpu_us() - before_us;
	return verdict;
}

/* After a turn: notes whether a message is in progress, and goes back to waiting. */
static void wait_for_client(struct conns *all, struct conn *c)
{
	if (conn_is_between_messages(c))
		c->begun_us = 0;
	else if (c->begun_us == 0 || c->messages != all->messages_before)
		c->begun_us = all->loop->now_us;
	conns_take_back(all, &c->in);
	conns_take_back(all, &c->out);
	/* What waits in the run queue is not asked about. */
	if (runqueue_has(&all->queue, c->index) || watch(all, c))
		deadline_set(all, c);
}

/*
 * True when a draining worker may end it now. A connection that has said nothing yet has a
 * moment to.
 */
static bool leaves(const struct conns *all, const struct conn *c)
{
	return all->draining && c->state == CONN_OPEN && conn_is_between_messages(c) &&
	       (c->bytes_in > 0 || c->in_ended || deadline_is_stale(all, c));
}

/* One answer has gone out, and the service may have more: others come first. */
static bool has_spent_share(const struct conns *all, unsigned answers)
{
	int64_t past_us = answers > 1 ? clock_us() - all->loop->now_us : 0;

	return budget_is_spent(all->is_ahead, all->moved, answers, past_us);
}

/*
 * Carries out the service's verdict: sends, asks for more as long as the client takes it and the
 * share lasts, ends.
 */
static void settle(struct conns *all, struct conn *c, enum verdict verdict)
{
	for (unsigned round = 0;; round++) {
		bool had_answer = buf_used(&c->out) > 0;

		if (verdict == ABORT) {
			end(all, c, CLOSE_service_finished);
			return;
		}
		if (verdict == FINISH)
			c->state = CONN_FLUSHING;
		if (!flush(all, c))
			return;
		if (buf_used(&c->out) > 0)
			break;
		if (leaves(all, c))
			verdict = conn_finish(c, CLOSE_drained);
		if (c->state == CONN_FLUSHING || verdict == FINISH) {
			half_close(all, c);
			return;
		}
		if (!had_answer)
			break;
		if (has_spent_share(all, round + 1)) {
			c->is_unfinished = true;
			runqueue_push(&all->queue, c->index);
			break;
		}
		conns_lend(all, &c->out);
		verdict = ask(all, c, drained);
	}
	wait_for_client(all, c);
}

static void ask_and_settle(struct conns *all, struct conn *c, enum verdict (*hook)(struct conn *))
{
	conns_lend(all, &c->out);
	settle(all, c, ask(all, c, hook));
}

/* True when there is something new for the service: bytes or the end. May end the connection. */
static bool receive(struct conns *all, struct conn *c)
{
	ssize_t got;

	conns_lend(all, &c->in);
	if (c->in.start > 0 && buf_room(&c->in) == 0) {
		memmove(c->in.base, buf_head(&c->in), buf_used(&c->in));
		c->in.end -= c->in.start;
		c->in.start = 0;
	}
	BUG_ON(buf_room(&c->in) == 0); /* a service that keeps so much must not ask for MORE */
	got = sys_recv(c->fd, c->in.base + c->in.end, buf_room(&c->in), 0);
	if (got > 0) {
		c->in.end += (uint32_t)got;
		all->moved += (size_t)got;
		if (c->bytes_in == 0)
			histogram_add(&all->slot->tally.first_byte_seconds,
				      (uint64_t)(all->loop->now_us - c->opened_us), 1);
		c->bytes_in += (uint64_t)got;
		c->active_ms = all->loop->now_ms;
		cell_add(&conns_tally(all, c)->bytes_in_total, (uint64_t)got);
		return true;
	}
	if (got == 0) {
		c->in_ended = true;
		return true;
	}
	if (errno != EAGAIN && errno != EINTR)
		end(all, c, close_reason_of(errno));
	return false;
}

static void read_and_serve(struct conns *all, struct conn *c)
{
	if (receive(all, c))
		ask_and_settle(all, c, input);
	else if (c->state != CONN_CLOSED)
		wait_for_client(all, c);
}

/* What a client still sends after our end is of no use to anyone; its end is. */
static void discard(struct conns *all, struct conn *c)
{
	struct buf waste = { 0 };
	ssize_t got;

	conns_lend(all, &waste);
	got = sys_recv(c->fd, waste.base, waste.size, 0);
	conns_take_back(all, &waste);
	if (got > 0)
		all->moved += (size_t)got;
	if (got == 0)
		end(all, c, CLOSE_client_closed);
	else if (got < 0 && errno != EAGAIN && errno != EINTR)
		end(all, c, close_reason_of(errno));
	else
		(void)watch(all, c);
}

void conn_begin(struct conns *all, struct conn *c)
{
	take_in_hand(all, c);
	if (c->service->open)
		ask_and_settle(all, c, c->service->open);
	else
		read_and_serve(all, c);
	put_down(all, c);
}

/* The service says whether it has more; if not, the client may have sent some meanwhile. */
static void go_on(struct conns *all, struct conn *c)
{
	enum verdict verdict;

	conns_lend(all, &c->out);
	verdict = ask(all, c, drained);
	if (verdict == MORE && buf_used(&c->out) == 0 && !c->in_ended)
		read_and_serve(all, c);
	else
		settle(all, c, verdict);
}

static void serve_event(struct conns *all, struct conn *c, uint32_t events)
{
	if (c->state == CONN_LINGERING)
		discard(all, c);
	else if (buf_used(&c->out) > 0)
		settle(all, c, c->state == CONN_FLUSHING ? FINISH : MORE);
	else if (c->is_unfinished)
		go_on(all, c);
	else if (!c->in_ended)
		read_and_serve(all, c);
	else if (events & (EPOLLERR | EPOLLHUP))
		end(all, c, CLOSE_client_reset);
}

void conn_ready(struct conns *all, struct conn *c, uint32_t events)
{
	take_in_hand(all, c);
	serve_event(all, c, events);
	/* What has come is answered first. */
	if (all->draining && c->magic == CONN_MAGIC && leaves(all, c))
		settle(all, c, conn_finish(c, CLOSE_drained));
	put_down(all, c);
}

/* Errors are reported all the same, and so that 0 means "not in epoll". */
void conn_mute(struct conns *all, struct conn *c)
{
	if (c->watched == EPOLLERR)
		return;
	if (!loop_tag(all->loop, EPOLL_CTL_MOD, c->fd, EPOLLERR, conns_tag(c)))
		return; /* it is reported on */
	c->watched = EPOLLERR;
}

void conn_expire(struct conns *all, struct conn *c)
{
	enum close_reason why;
	int64_t due = deadline_due_ms(all, c, &why);

	if (due == 0 || deadline_put_off(all, c, due))
		return;
	take_in_hand(all, c);
	if (c->state == CONN_LINGERING || why == CLOSE_send_timeout || c->state == CONN_FLUSHING)
		end(all, c, why);
	else
		settle(all, c, conn_finish(c, why));
	put_down(all, c);
}

void conn_resume(struct conns *all, struct conn *c)
{
	take_in_hand(all, c);
	c->serial = ++all->last_serial & INT32_MAX;
	c->watched = 0;
	c->timer = (struct timer_node){ 0 };
	c->weight = WEIGHT_UNKNOWN;
	if (c->is_unfinished)
		runqueue_push(&all->queue, c->index);
	if (watch(all, c))
		deadline_set(all, c);
	put_down(all, c);
}
