/* SPDX-License-Identifier: MIT */
/*
 * Connects, sends a message, receives its answer, judges it. Must not wait, but for an answer when
 * it is alone, nor call the kernel more often than needed: a good client's time is measured here.
 */
#include "client/bench/bench_connection.h"

#include <sys/time.h>

#include "base/sys.h"
#include "client/bench/knock.h"
#include "client/bench/moment.h"
#include "client/bench/sizecheck.h"

enum { BACKOFF_FIRST_MS = 10, BACKOFF_MOST_MS = 1000 };

static void set_timer(struct lane_set *all, struct lane *lane, int64_t after_ms)
{
	timer_set(&all->timers, &lane->timer, all->now_ns / 1000000 + after_ms);
}

static void settle(struct lane_set *all, struct lane *lane)
{
	if (lane->is_settled)
		return;
	lane->is_settled = true;
	all->settled++;
}

void lane_close(struct lane_set *all, struct lane *lane)
{
	if (lane->fd >= 0)
		sys_close(lane->fd);
	if (lane->state == LANE_CONNECTING)
		all->connecting--;
	if (lane->state == LANE_ASKING)
		all->flying--;
	lane->fd = -1;
	lane->watched = 0;
	lane->state = LANE_RESTING;
}

/* Closes, and opens anew after the back-off, which doubles until there is an answer. */
static void rest(struct lane_set *all, struct lane *lane, int least_ms)
{
	lane_close(all, lane);
	if (lane->backoff_ms < least_ms)
		lane->backoff_ms = least_ms;
	set_timer(all, lane, lane->backoff_ms);
	lane->backoff_ms = lane->backoff_ms == 0 ? BACKOFF_FIRST_MS : 2 * lane->backoff_ms;
	if (lane->backoff_ms > BACKOFF_MOST_MS)
		lane->backoff_ms = BACKOFF_MOST_MS;
}

static void count_loss(struct lane_set *all, enum loss loss, int error)
{
	all->outcome->lost[loss]++;
	if (loss == LOSS_OTHER && all->outcome->other_errno == 0)
		all->outcome->other_errno = error;
}

/* A message in hand is lost with its connection. In an open loop its age so far counts. */
static void lose(struct lane_set *all, struct lane *lane, enum loss loss, int error)
{
	count_loss(all, loss, error);
	if (lane->state == LANE_ASKING && all->plan->rate > 0) {
		latency_add(&all->outcome->answer, (uint64_t)(moment_ns() - lane->begun_ns));
		lane->turn++;
	}
	rest(all, lane, 0);
}

static void lose_by(struct lane_set *all, struct lane *lane, int error)
{
	lose(all, lane, outcome_loss_of(error), error);
}

static void watch(struct lane_set *all, struct lane *lane, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = (uint32_t)(lane - all->list) };
	int op = lane->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (lane->watched == events)
		return;
	lane->watched = events;
	if (sys_epoll_ctl(all->epfd, op, lane->fd, &event) < 0)
		lose_by(all, lane, errno);
}

/* From here on receiving may wait, a tick long, so that the clock is looked at. */
static bool let_wait(int fd)
{
	struct timeval tick = { .tv_usec = LANE_TICK_MS * 1000 };

	return sys_fcntl_int(fd, F_SETFL, 0) == 0 &&
	       sys_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)) == 0;
}

static void connected(struct lane_set *all, struct lane *lane)
{
	all->outcome->connects++;
	latency_add(&all->outcome->connect, (uint64_t)(moment_ns() - lane->since_ns));
	all->connecting--;
	all->address = lane->address;
	lane->tried = lane->queued_ms = 0;
	lane->state = LANE_READY;
	settle(all, lane);
	if (all->is_alone && !let_wait(lane->fd)) {
		lose_by(all, lane, errno);
		return;
	}
	lane_go_on(all, lane);
	if (lane->state == LANE_READY)
		watch(all, lane, EPOLLIN);
}

/* The connection could not be made: another address, or later again. */
static bool has_another(struct lane_set *all, struct lane *lane, int error)
{
	const struct target *target = &all->plan->target;

	if (all->outcome->connect_errno == 0)
		all->outcome->connect_errno = error;
	if (++lane->tried >= target->count) {
		lane->tried = 0;
		return false;
	}
	lane_close(all, lane);
	lane->address = (lane->address + 1) % target->count;
	return true;
}

/*
 * A unix socket whose queue is full says so at once, where TCP would wait: that is no loss before
 * the timeout.
 */
static bool may_wait(struct lane_set *all, struct lane *lane, int error)
{
	if (error != EAGAIN || all->plan->target.addresses[0].sa.sa_family != AF_UNIX)
		return false;
	lane->queued_ms += lane->backoff_ms > 0 ? lane->backoff_ms : BACKOFF_FIRST_MS;
	return lane->queued_ms < all->plan->timeout_ms;
}

static void fail(struct lane_set *all, struct lane *lane, int error)
{
	lane->address = all->address;
	settle(all, lane);
	if (!may_wait(all, lane, error)) {
		count_loss(all, outcome_loss_of(error == EAGAIN ? ETIMEDOUT : error), error);
		lane->queued_ms = 0;
	}
	rest(all, lane, BACKOFF_FIRST_MS);
}

static void try_addresses(struct lane_set *all, struct lane *lane)
{
	for (;;) {
		int made;

		lane->state = LANE_CONNECTING;
		lane->since_ns = moment_ns();
		lane->on_connection = 0;
		all->connecting++;
		set_timer(all, lane, all->plan->timeout_ms);
		made = knock(&lane->fd, &all->plan->target.addresses[lane->address],
			     all->plan->sources, lane->number);
		if (made > 0)
			connected(all, lane);
		else if (made == 0)
			watch(all, lane, EPOLLIN | EPOLLOUT);
		if (made >= 0)
			return;
		if (!has_another(all, lane, errno))
			break;
	}
	fail(all, lane, errno);
}

void lane_open(struct lane_set *all, struct lane *lane)
{
	lane->address = all->address;
	lane->tried = 0;
	try_addresses(all, lane);
}

static void cannot_connect(struct lane_set *all, struct lane *lane, int error)
{
	if (has_another(all, lane, error))
		try_addresses(all, lane);
	else
		fail(all, lane, error);
}

static void end_connecting(struct lane_set *all, struct lane *lane)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (sys_getsockopt(lane->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error != 0)
		cannot_connect(all, lane, error);
	else
		connected(all, lane);
}

/* Sends what is left of the message. */
static void push(struct lane_set *all, struct lane *lane)
{
	const struct message *message = &all->plan->message;

	while (lane->sent < message->size) {
		size_t n;
		const char *bytes = message_bytes(message, lane->answer.key, lane->sent, &n);
		ssize_t sent = sys_send(lane->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			watch(all, lane, EPOLLIN | EPOLLOUT);
			return;
		}
		if (sent < 0) {
			lose_by(all, lane, errno);
			return;
		}
		lane->sent += (size_t)sent;
		all->outcome->bytes_out += (uint64_t)sent;
	}
	watch(all, lane, EPOLLIN);
}

/* With nothing to send, connecting was the question. */
static void begin(struct lane_set *all, struct lane *lane, int64_t due_ns)
{
	int64_t asked_ns = all->plan->message.size > 0 ? moment_ns() : lane->since_ns;

	all->flying++;
	all->outcome->sent++;
	lane->state = LANE_ASKING;
	lane->on_connection++;
	lane->since_ns = asked_ns;
	lane->begun_ns = due_ns != PACE_NEVER ? due_ns : asked_ns;
	lane->sent = 0;
	answer_begin(&lane->answer, all->plan, message_key((uint64_t)lane->number, lane->begun++));
	if (!timer_is_set(&lane->timer))
		set_timer(all, lane, all->plan->timeout_ms);
	push(all, lane);
}

void lane_go_on(struct lane_set *all, struct lane *lane)
{
	int64_t due_ns = PACE_NEVER;

	if (!all->is_running || lane_has_enough(all))
		return;
	if (all->plan->rate > 0) {
		due_ns = pace_due_ns(&all->pace, lane->number, lane->turn);
		if (due_ns >= all->end_ns || due_ns > moment_ns())
			return;
	}
	begin(all, lane, due_ns);
}

/* With nothing to send, a connection is made when a message is due: the server speaks at once. */
static bool may_open(const struct lane_set *all, const struct lane *lane)
{
	if (lane_has_enough(all))
		return false;
	return all->plan->message.size > 0 || all->plan->rate == 0 ||
	       pace_due_ns(&all->pace, lane->number, lane->turn) <= all->now_ns;
}

void lane_due(struct lane_set *all, struct lane *lane)
{
	if (lane->state == LANE_READY)
		lane_go_on(all, lane);
	else if (lane->state == LANE_RESTING && !timer_is_set(&lane->timer) && may_open(all, lane))
		lane_open(all, lane);
}

static void answered(struct lane_set *all, struct lane *lane)
{
	struct outcome *outcome = all->outcome;
	int64_t now_ns = moment_ns();

	latency_add(&outcome->answer, (uint64_t)(now_ns - lane->begun_ns));
	if (answer_is_refusal(&lane->answer))
		outcome->lost[LOSS_WRONG]++;
	else
		outcome->answered++;
	lane->turn++;
	lane->backoff_ms = 0;
	if ((all->plan->per_connection > 0 &&
	     lane->on_connection >= (uint64_t)all->plan->per_connection) ||
	    !answer_keeps(&lane->answer)) {
		lane_close(all, lane);
		set_timer(all, lane, 0);
		return;
	}
	all->flying--;
	lane->state = LANE_READY;
	lane_go_on(all, lane);
}

/* An answer to a message that is not sent whole is none: it would cut the message off. */
static void take_answer(struct lane_set *all, struct lane *lane)
{
	if (lane->sent < all->plan->message.size)
		lose(all, lane, LOSS_WRONG, 0);
	else
		answered(all, lane);
}

/* Nothing may come that no message asked for. */
static void take_bytes(struct lane_set *all, struct lane *lane, size_t n)
{
	enum answer_state state = ANSWER_WRONG;
	size_t used = 0;

	all->outcome->bytes_in += n;
	if (lane->state == LANE_ASKING)
		state = answer_take(&lane->answer, all->plan, all->received, n, &used);
	if (state == ANSWER_WHOLE && used < n)
		sizecheck_excess(all, lane, n - used);
	if (state == ANSWER_WRONG || (state == ANSWER_WHOLE && used < n))
		lose(all, lane, LOSS_WRONG, 0);
	else if (state == ANSWER_WHOLE)
		take_answer(all, lane);
}

/* Between two messages a server may end a connection, and no harm is done. */
static void take_end(struct lane_set *all, struct lane *lane)
{
	if (lane->state != LANE_ASKING)
		rest(all, lane, 0);
	else if (answer_end(&lane->answer, all->plan) == ANSWER_WHOLE)
		take_answer(all, lane);
	else
		lose(all, lane, LOSS_CLOSED, 0);
}

void lane_take(struct lane_set *all, struct lane *lane)
{
	ssize_t n = sys_recv(lane->fd, all->received, LANE_RECEIVED, 0);

	if (n > 0)
		take_bytes(all, lane, (size_t)n);
	else if (n == 0)
		take_end(all, lane);
	else if (errno == EAGAIN || errno == EINTR)
		return;
	else if (lane->state == LANE_ASKING)
		lose_by(all, lane, errno);
	else
		rest(all, lane, 0);
}

void lane_ready(struct lane_set *all, struct lane *lane, uint32_t events)
{
	if (lane->state == LANE_CONNECTING) {
		end_connecting(all, lane);
		return;
	}
	if ((events & EPOLLOUT) && lane->state == LANE_ASKING &&
	    lane->sent < all->plan->message.size)
		push(all, lane);
	if ((events & ~(uint32_t)EPOLLOUT) && lane->fd >= 0 && lane->state != LANE_CONNECTING)
		lane_take(all, lane);
}

void lane_wake(struct lane_set *all, struct lane *lane)
{
	int64_t left_ms = lane->since_ns / 1000000 + all->plan->timeout_ms - all->now_ns / 1000000;

	if (lane->state == LANE_READY)
		return;
	if (lane->state == LANE_RESTING) {
		if (may_open(all, lane))
			lane_open(all, lane);
	} else if (left_ms > 0) {
		set_timer(all, lane, left_ms);
	} else if (lane->state == LANE_CONNECTING) {
		cannot_connect(all, lane, ETIMEDOUT);
	} else {
		lose(all, lane, LOSS_TIMED_OUT, 0);
	}
}
