/* SPDX-License-Identifier: MIT */
/*
 * The life of a connection (the picture is in worker/conn.h): moves bytes between the kernel
 * and the service, keeps the deadlines, and makes every transition. A connection either reads
 * or writes: while an answer waits for the client nothing more is read from it, so its memory
 * is bounded. One receive for each word of epoll: a short one means drained, and epoll is
 * level-triggered.
 */
#include "worker/conn.h"

#include "base/log.h"
#include "base/sys.h"
#include "worker/accesslog.h"
#include "worker/conns.h"
#include "worker/deadline.h"

enum {
	ROUNDS = 16, /* answers in a row before others have their turn */
};

const char *conn_remote(const struct conn *c, char *text)
{
	return net_write(&c->remote, c->remote_port, text);
}

static bool between_messages(const struct conn *c)
{
	if (c->service->idle)
		return c->service->idle(c);
	return buf_used(&c->in) == 0 && buf_used(&c->out) == 0;
}

char conn_phase(const struct conn *c, enum ending ending, bool is_between_messages)
{
	if (c->state == CONN_LINGERING)
		return ending == ENDING_client_closed ? '-' : 'L';
	if (ending == ENDING_message_invalid || ending == ENDING_message_too_long ||
	    ending == ENDING_message_incomplete || ending == ENDING_message_timeout)
		return 'R';
	if (buf_used(&c->out) > 0)
		return 'D';
	return c->state == CONN_FLUSHING || is_between_messages ? '-' : 'R';
}

static void set_phase(struct conn *c, enum ending ending)
{
	c->phase = (uint8_t)conn_phase(c, ending, between_messages(c));
}

void conn_set_ending(struct conn *c, enum ending ending)
{
	if (c->ending != ENDING_none)
		return;
	set_phase(c, ending);
	c->ending = (uint8_t)ending;
}

static void take_in_hand(struct conns *all, const struct conn *c)
{
	struct slot *slot = all->slot;

	slot->hand = c->remote;
	slot->hand_port = c->remote_port;
	atomic_store_explicit(&slot->has_hand, 1, memory_order_relaxed);
	conns_take_in_hand(all, c->index);
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
static void put_down(struct conns *all, const struct conn *c)
{
	count_messages(all, c);
	conns_put_down(all);
	atomic_store_explicit(&all->slot->has_hand, 0, memory_order_relaxed);
	if (accesslog_is_on)
		accesslog_relieve(ACCESSLOG_FULL);
}

static void say_ended(const struct conns *all, const struct conn *c, int error)
{
	char remote[ADDR_TEXT];

	if (!log_wants(EVENT_connection_ended))
		return;
	LOG(EVENT_connection_ended, LOG_STR("remote", conn_remote(c, remote)),
	    LOG_STR("service", c->service->name), LOG_STR("ending", ending_name(c->ending)),
	    LOG_NUM("bytes_in", c->bytes_in), LOG_NUM("bytes_out", c->bytes_out),
	    LOG_NUM("messages", c->messages),
	    LOG_NUM("ms", (all->loop->now_us - c->opened_us) / 1000),
	    LOG_STR("error", c->ending == ENDING_system_error ? strerrorname_np(error) : "none"));
}

static void end(struct conns *all, struct conn *c, enum ending ending)
{
	int error = errno;

	conn_set_ending(c, ending);
	if (ending_who(c->ending) == '-')
		set_phase(c, ending);
	if (c->service->close)
		c->service->close(c, c->ending);
	say_ended(all, c, error);
	c->in.start = c->in.end = c->out.start = c->out.end = 0;
	conns_take_back(all, &c->in);
	conns_take_back(all, &c->out);
	c->state = CONN_CLOSED;
	/* Whatever close says, the descriptor is gone (close(2)). */
	(void)sys_close(c->fd);
	conns_forget(all, c);
}

void conn_end(struct conns *all, struct conn *c, enum ending ending)
{
	take_in_hand(all, c);
	end(all, c, ending);
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
		end(all, c, ENDING_system_error);
		return false;
	}
	c->watched = wanted;
	return true;
}

/* Our side ends; the client may still read the last answer and end its own. */
static void half_close(struct conns *all, struct conn *c)
{
	if (c->in_ended || c->conf->linger_timeout == 0 || sys_shutdown(c->fd, SHUT_WR) < 0) {
		end(all, c, c->in_ended ? ENDING_client_closed : ENDING_service_finished);
		return;
	}
	conn_set_ending(c, ENDING_service_finished);
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
		end(all, c, ending_of(errno));
		return false;
	}
	buf_drop(&c->out, (size_t)sent);
	c->bytes_out += (uint64_t)sent;
	c->active_ms = all->loop->now_ms;
	cell_add(&conns_tally(all, c)->bytes_out_total, (uint64_t)sent);
	return true;
}

static enum verdict ask_input(struct conn *c)
{
	if (c->service->input)
		return c->service->input(c);
	buf_drop(&c->in, buf_used(&c->in));
	return c->in_ended ? FINISH : MORE;
}

static enum verdict ask_drained(struct conn *c)
{
	return c->service->drained ? c->service->drained(c) : ask_input(c);
}

/* After a turn: notes whether a message is in progress, and goes back to waiting. */
static void wait_for_client(struct conns *all, struct conn *c)
{
	if (between_messages(c))
		c->begun_us = 0;
	else if (c->begun_us == 0 || c->messages != all->messages_before)
		c->begun_us = all->loop->now_us;
	conns_take_back(all, &c->in);
	conns_take_back(all, &c->out);
	if (watch(all, c))
		deadline_set(all, c);
}

/*
 * True when a draining worker may end it now. A connection that has said nothing yet has a
 * moment to.
 */
static bool leaves(const struct conns *all, const struct conn *c)
{
	return all->draining && c->state == CONN_OPEN && between_messages(c) &&
	       (c->bytes_in > 0 || c->in_ended || deadline_is_stale(all, c));
}

/* Carries out the service's verdict: sends, asks for more as long as the client takes it, ends. */
static void settle(struct conns *all, struct conn *c, enum verdict verdict)
{
	for (unsigned round = 0;; round++) {
		bool had_answer = buf_used(&c->out) > 0;

		if (verdict == ABORT) {
			end(all, c, ENDING_service_finished);
			return;
		}
		if (verdict == FINISH)
			c->state = CONN_FLUSHING;
		if (round >= ROUNDS && had_answer)
			break;
		if (!flush(all, c))
			return;
		if (buf_used(&c->out) > 0)
			break;
		if (leaves(all, c))
			verdict = conn_finish(c, ENDING_drained);
		if (c->state == CONN_FLUSHING || verdict == FINISH) {
			half_close(all, c);
			return;
		}
		if (!had_answer)
			break;
		conns_lend(all, &c->out);
		verdict = ask_drained(c);
	}
	wait_for_client(all, c);
}

static void ask_and_settle(struct conns *all, struct conn *c, enum verdict (*ask)(struct conn *))
{
	conns_lend(all, &c->out);
	settle(all, c, ask(c));
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
		end(all, c, ending_of(errno));
	return false;
}

static void read_and_serve(struct conns *all, struct conn *c)
{
	if (receive(all, c))
		ask_and_settle(all, c, ask_input);
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
	if (got == 0)
		end(all, c, ENDING_client_closed);
	else if (got < 0 && errno != EAGAIN && errno != EINTR)
		end(all, c, ending_of(errno));
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

void conn_ready(struct conns *all, struct conn *c, uint32_t events)
{
	take_in_hand(all, c);
	if (c->state == CONN_LINGERING)
		discard(all, c);
	else if (buf_used(&c->out) > 0)
		settle(all, c, c->state == CONN_FLUSHING ? FINISH : MORE);
	else if (!c->in_ended)
		read_and_serve(all, c);
	else if (events & (EPOLLERR | EPOLLHUP))
		end(all, c, ENDING_client_reset);
	put_down(all, c);
}

void conn_expire(struct conns *all, struct conn *c)
{
	enum ending why;
	int64_t due = deadline_due_ms(all, c, &why);

	if (due == 0)
		return;
	if (due > all->loop->now_ms) {
		timer_set(&all->timers, &c->timer, due);
		return;
	}
	take_in_hand(all, c);
	if (c->state == CONN_LINGERING || why == ENDING_send_timeout || c->state == CONN_FLUSHING)
		end(all, c, why);
	else
		settle(all, c, conn_finish(c, why));
	put_down(all, c);
}

void conn_drain(struct conns *all, struct conn *c)
{
	take_in_hand(all, c);
	if (c->state == CONN_OPEN && buf_used(&c->out) == 0 && !c->in_ended)
		read_and_serve(all, c); /* what has come is answered; may end it */
	if (c->magic == CONN_MAGIC && leaves(all, c))
		settle(all, c, conn_finish(c, ENDING_drained));
	put_down(all, c);
}

void conn_resume(struct conns *all, struct conn *c)
{
	take_in_hand(all, c);
	c->serial = ++all->last_serial & INT32_MAX;
	c->watched = 0;
	c->timer = (struct timer_node){ 0 };
	if (watch(all, c))
		deadline_set(all, c);
	put_down(all, c);
}
