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

static void set_timer(struct bench_worker *worker, struct bench_connection *conn, int64_t after_ms)
{
	timer_set(&worker->timers, &conn->timer, worker->now_ns / 1000000 + after_ms);
}

static void mark_attempted(struct bench_worker *worker, struct bench_connection *conn)
{
	if (conn->is_attempted)
		return;
	conn->is_attempted = true;
	worker->attempted++;
}

void bench_connection_close(struct bench_worker *worker, struct bench_connection *conn)
{
	if (conn->fd >= 0)
		sys_close(conn->fd);
	if (conn->state == BENCH_CONNECTING)
		worker->connecting--;
	if (conn->state == BENCH_BUSY)
		worker->in_flight--;
	conn->fd = -1;
	conn->events = 0;
	conn->state = BENCH_CLOSED;
}

/* Closes, and opens anew after the back-off, which doubles until there is an answer. */
static void retry_later(struct bench_worker *worker, struct bench_connection *conn, int least_ms)
{
	bench_connection_close(worker, conn);
	if (conn->backoff_ms < least_ms)
		conn->backoff_ms = least_ms;
	set_timer(worker, conn, conn->backoff_ms);
	conn->backoff_ms = conn->backoff_ms == 0 ? BACKOFF_FIRST_MS : 2 * conn->backoff_ms;
	if (conn->backoff_ms > BACKOFF_MOST_MS)
		conn->backoff_ms = BACKOFF_MOST_MS;
}

static void count_error(struct bench_worker *worker, enum bench_error kind, int error)
{
	worker->stats->errors[kind]++;
	if (kind == BENCH_ERROR_OTHER && worker->stats->other_errno == 0)
		worker->stats->other_errno = error;
}

/* A message in hand is lost with its connection. In an open loop its age so far counts. */
static void fail_request(struct bench_worker *worker, struct bench_connection *conn,
			 enum bench_error kind, int error)
{
	count_error(worker, kind, error);
	if (conn->state == BENCH_BUSY && worker->options->rate > 0) {
		bench_stats_add_latency(&worker->stats->answer,
					(uint64_t)(bench_now_ns() - conn->latency_from_ns));
		conn->round++;
	}
	retry_later(worker, conn, 0);
}

static void fail_with_errno(struct bench_worker *worker, struct bench_connection *conn, int error)
{
	fail_request(worker, conn, bench_stats_error_of(error), error);
}

static void watch_events(struct bench_worker *worker, struct bench_connection *conn,
			 uint32_t events)
{
	struct epoll_event event = { .events = events,
				     .data.u32 = (uint32_t)(conn - worker->connections) };
	int op = conn->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (conn->events == events)
		return;
	conn->events = events;
	if (sys_epoll_ctl(worker->epfd, op, conn->fd, &event) < 0)
		fail_with_errno(worker, conn, errno);
}

/* From here on receiving may wait, a tick long, so that the clock is looked at. */
static bool set_blocking(int fd)
{
	struct timeval tick = { .tv_usec = BENCH_TICK_MS * 1000 };

	return sys_fcntl_int(fd, F_SETFL, 0) == 0 &&
	       sys_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)) == 0;
}

static void finish_connect(struct bench_worker *worker, struct bench_connection *conn)
{
	worker->stats->connects++;
	bench_stats_add_latency(&worker->stats->connect,
				(uint64_t)(bench_now_ns() - conn->started_ns));
	worker->connecting--;
	worker->address = conn->address;
	conn->failed_addresses = conn->queue_wait_ms = 0;
	conn->state = BENCH_IDLE;
	mark_attempted(worker, conn);
	if (worker->is_blocking && !set_blocking(conn->fd)) {
		fail_with_errno(worker, conn, errno);
		return;
	}
	bench_request_send_next(worker, conn);
	if (conn->state == BENCH_IDLE)
		watch_events(worker, conn, EPOLLIN);
}

/* The connection could not be made: another address, or later again. */
static bool has_next_address(struct bench_worker *worker, struct bench_connection *conn, int error)
{
	const struct target *target = &worker->options->target;

	if (worker->stats->connect_errno == 0)
		worker->stats->connect_errno = error;
	if (++conn->failed_addresses >= target->count) {
		conn->failed_addresses = 0;
		return false;
	}
	bench_connection_close(worker, conn);
	conn->address = (conn->address + 1) % target->count;
	return true;
}

/*
 * A unix socket whose queue is full says so at once, where TCP would wait: that is no loss before
 * the timeout.
 */
static bool may_retry_queue(struct bench_worker *worker, struct bench_connection *conn, int error)
{
	if (error != EAGAIN || worker->options->target.addresses[0].sa.sa_family != AF_UNIX)
		return false;
	conn->queue_wait_ms += conn->backoff_ms > 0 ? conn->backoff_ms : BACKOFF_FIRST_MS;
	return conn->queue_wait_ms < worker->options->timeout_ms;
}

static void fail_connect(struct bench_worker *worker, struct bench_connection *conn, int error)
{
	conn->address = worker->address;
	mark_attempted(worker, conn);
	if (!may_retry_queue(worker, conn, error)) {
		count_error(worker, bench_stats_error_of(error == EAGAIN ? ETIMEDOUT : error),
			    error);
		conn->queue_wait_ms = 0;
	}
	retry_later(worker, conn, BACKOFF_FIRST_MS);
}

static void start_connect(struct bench_worker *worker, struct bench_connection *conn)
{
	for (;;) {
		int made;

		conn->state = BENCH_CONNECTING;
		conn->started_ns = bench_now_ns();
		conn->requests = 0;
		worker->connecting++;
		set_timer(worker, conn, worker->options->timeout_ms);
		made = connect_socket(&conn->fd, &worker->options->target.addresses[conn->address],
				      worker->options->sources, conn->number);
		if (made > 0)
			finish_connect(worker, conn);
		else if (made == 0)
			watch_events(worker, conn, EPOLLIN | EPOLLOUT);
		if (made >= 0)
			return;
		if (!has_next_address(worker, conn, errno))
			break;
	}
	fail_connect(worker, conn, errno);
}

void bench_connection_open(struct bench_worker *worker, struct bench_connection *conn)
{
	conn->address = worker->address;
	conn->failed_addresses = 0;
	start_connect(worker, conn);
}

static void fail_address(struct bench_worker *worker, struct bench_connection *conn, int error)
{
	if (has_next_address(worker, conn, error))
		start_connect(worker, conn);
	else
		fail_connect(worker, conn, error);
}

static void check_connect(struct bench_worker *worker, struct bench_connection *conn)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (sys_getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error != 0)
		fail_address(worker, conn, error);
	else
		finish_connect(worker, conn);
}

/* Sends what is left of the message. */
static void send_message(struct bench_worker *worker, struct bench_connection *conn)
{
	const struct message *message = &worker->options->message;

	while (conn->sent < message->size) {
		size_t n;
		const char *bytes = message_bytes(message, conn->response.key, conn->sent, &n);
		ssize_t sent = sys_send(conn->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			watch_events(worker, conn, EPOLLIN | EPOLLOUT);
			return;
		}
		if (sent < 0) {
			fail_with_errno(worker, conn, errno);
			return;
		}
		conn->sent += (size_t)sent;
		worker->stats->bytes_out += (uint64_t)sent;
	}
	watch_events(worker, conn, EPOLLIN);
}

/* With nothing to send, connecting was the question. */
static void start_request(struct bench_worker *worker, struct bench_connection *conn,
			  int64_t due_ns)
{
	int64_t asked_ns = worker->options->message.size > 0 ? bench_now_ns() : conn->started_ns;

	worker->in_flight++;
	worker->stats->sent++;
	conn->state = BENCH_BUSY;
	conn->requests++;
	conn->started_ns = asked_ns;
	conn->latency_from_ns = due_ns != BENCH_NEVER ? due_ns : asked_ns;
	conn->sent = 0;
	start_response(&conn->response, worker->options,
		       message_key((uint64_t)conn->number, conn->requests_sent++));
	if (!timer_is_set(&conn->timer))
		set_timer(worker, conn, worker->options->timeout_ms);
	send_message(worker, conn);
}

void bench_request_send_next(struct bench_worker *worker, struct bench_connection *conn)
{
	int64_t due_ns = BENCH_NEVER;

	if (!worker->is_running || has_enough_requests(worker))
		return;
	if (worker->options->rate > 0) {
		due_ns = bench_request_due_ns(&worker->schedule, conn->number, conn->round);
		if (due_ns >= worker->end_ns || due_ns > bench_now_ns())
			return;
	}
	start_request(worker, conn, due_ns);
}

/* With nothing to send, a connection is made when a message is due: the server speaks at once. */
static bool may_open(const struct bench_worker *worker, const struct bench_connection *conn)
{
	if (has_enough_requests(worker))
		return false;
	return worker->options->message.size > 0 || worker->options->rate == 0 ||
	       bench_request_due_ns(&worker->schedule, conn->number, conn->round) <= worker->now_ns;
}

void bench_request_send_due(struct bench_worker *worker, struct bench_connection *conn)
{
	if (conn->state == BENCH_IDLE)
		bench_request_send_next(worker, conn);
	else if (conn->state == BENCH_CLOSED && !timer_is_set(&conn->timer) &&
		 may_open(worker, conn))
		bench_connection_open(worker, conn);
}

static void finish_request(struct bench_worker *worker, struct bench_connection *conn)
{
	struct bench_stats *stats = worker->stats;
	int64_t now_ns = bench_now_ns();

	bench_stats_add_latency(&stats->answer, (uint64_t)(now_ns - conn->latency_from_ns));
	if (is_http_error(&conn->response))
		stats->errors[BENCH_ERROR_WRONG]++;
	else
		stats->answers++;
	conn->round++;
	conn->backoff_ms = 0;
	if ((worker->options->requests_max > 0 &&
	     conn->requests >= (uint64_t)worker->options->requests_max) ||
	    !keeps_connection(&conn->response)) {
		bench_connection_close(worker, conn);
		set_timer(worker, conn, 0);
		return;
	}
	worker->in_flight--;
	conn->state = BENCH_IDLE;
	bench_request_send_next(worker, conn);
}

/* An answer to a message that is not sent whole is none: it would cut the message off. */
static void accept_response(struct bench_worker *worker, struct bench_connection *conn)
{
	if (conn->sent < worker->options->message.size)
		fail_request(worker, conn, BENCH_ERROR_WRONG, 0);
	else
		finish_request(worker, conn);
}

/* Nothing may come that no message asked for. */
static void parse_bytes(struct bench_worker *worker, struct bench_connection *conn, size_t n)
{
	enum response_state state = RESPONSE_WRONG;
	size_t used = 0;

	worker->stats->bytes_in += n;
	if (conn->state == BENCH_BUSY)
		state = parse_response(&conn->response, worker->options, worker->buffer, n, &used);
	if (state == RESPONSE_COMPLETE && used < n)
		note_excess(worker, conn, n - used);
	if (state == RESPONSE_WRONG || (state == RESPONSE_COMPLETE && used < n))
		fail_request(worker, conn, BENCH_ERROR_WRONG, 0);
	else if (state == RESPONSE_COMPLETE)
		accept_response(worker, conn);
}

/* Between two messages a server may end a connection, and no harm is done. */
static void handle_close(struct bench_worker *worker, struct bench_connection *conn)
{
	if (conn->state != BENCH_BUSY)
		retry_later(worker, conn, 0);
	else if (end_response(&conn->response, worker->options) == RESPONSE_COMPLETE)
		accept_response(worker, conn);
	else
		fail_request(worker, conn, BENCH_ERROR_CLOSED, 0);
}

void bench_request_receive(struct bench_worker *worker, struct bench_connection *conn)
{
	ssize_t n = sys_recv(conn->fd, worker->buffer, BENCH_BUFFER_SIZE, 0);

	if (n > 0)
		parse_bytes(worker, conn, (size_t)n);
	else if (n == 0)
		handle_close(worker, conn);
	else if (errno == EAGAIN || errno == EINTR)
		return;
	else if (conn->state == BENCH_BUSY)
		fail_with_errno(worker, conn, errno);
	else
		retry_later(worker, conn, 0);
}

void bench_request_handle_events(struct bench_worker *worker, struct bench_connection *conn,
				 uint32_t events)
{
	if (conn->state == BENCH_CONNECTING) {
		check_connect(worker, conn);
		return;
	}
	if ((events & EPOLLOUT) && conn->state == BENCH_BUSY &&
	    conn->sent < worker->options->message.size)
		send_message(worker, conn);
	if ((events & ~(uint32_t)EPOLLOUT) && conn->fd >= 0 && conn->state != BENCH_CONNECTING)
		bench_request_receive(worker, conn);
}

void bench_request_handle_timer(struct bench_worker *worker, struct bench_connection *conn)
{
	int64_t left_ms =
		conn->started_ns / 1000000 + worker->options->timeout_ms - worker->now_ns / 1000000;

	if (conn->state == BENCH_IDLE)
		return;
	if (conn->state == BENCH_CLOSED) {
		if (may_open(worker, conn))
			bench_connection_open(worker, conn);
	} else if (left_ms > 0) {
		set_timer(worker, conn, left_ms);
	} else if (conn->state == BENCH_CONNECTING) {
		fail_address(worker, conn, ETIMEDOUT);
	} else {
		fail_request(worker, conn, BENCH_ERROR_TIMED_OUT, 0);
	}
}
