/* SPDX-License-Identifier: MIT */
/*
 * Opens and closes the connections of a bench, with a back-off after a failure, and counts their
 * errors. Must not wait, and must not send or receive.
 */
#include <netinet/tcp.h>
#include <sys/time.h>

#include "base/sys.h"
#include "client/bench/bench_worker.h"

enum { BACKOFF_FIRST_MS = 10, BACKOFF_MAX_MS = 1000 };

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

void bench_connection_set_timer(struct bench_worker *worker, struct bench_connection *conn,
				int64_t after_ms)
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
	if (conn->tls != NULL) {
		tls_stream_notify(conn->tls);
		tls_stream_close(conn->tls);
	}
	if (conn->fd >= 0)
		sys_close(conn->fd);
	if (conn->state == BENCH_CONNECTING || conn->state == BENCH_HANDSHAKING)
		worker->connecting--;
	if (conn->state == BENCH_BUSY)
		worker->in_flight--;
	conn->fd = -1;
	conn->events = 0;
	conn->state = BENCH_CLOSED;
}

/* The back-off doubles until there is a response. */
void bench_connection_close_and_retry(struct bench_worker *worker, struct bench_connection *conn,
				      int min_ms)
{
	bench_connection_close(worker, conn);
	if (conn->backoff_ms < min_ms)
		conn->backoff_ms = min_ms;
	bench_connection_set_timer(worker, conn, conn->backoff_ms);
	conn->backoff_ms = conn->backoff_ms == 0 ? BACKOFF_FIRST_MS : 2 * conn->backoff_ms;
	if (conn->backoff_ms > BACKOFF_MAX_MS)
		conn->backoff_ms = BACKOFF_MAX_MS;
}

static void count_error(struct bench_worker *worker, enum bench_error kind, int error)
{
	worker->stats->errors[kind]++;
	if (kind == BENCH_ERROR_OTHER && worker->stats->other_errno == 0)
		worker->stats->other_errno = error;
}

/* A message in flight fails with its connection. In an open loop its age is a latency. */
void bench_connection_fail(struct bench_worker *worker, struct bench_connection *conn,
			   enum bench_error kind, int error)
{
	count_error(worker, kind, error);
	mark_attempted(worker, conn);
	if (conn->state == BENCH_BUSY && worker->options->rate > 0) {
		bench_stats_add_latency(&worker->stats->answer,
					(uint64_t)(bench_stats_now_ns() - conn->latency_from_ns));
		conn->round++;
	}
	bench_connection_close_and_retry(worker, conn, 0);
}

void bench_connection_fail_errno(struct bench_worker *worker, struct bench_connection *conn,
				 int error)
{
	bench_connection_fail(worker, conn, bench_stats_error_of(error), error);
}

void bench_connection_watch(struct bench_worker *worker, struct bench_connection *conn,
			    uint32_t events)
{
	struct epoll_event event = { .events = events,
				     .data.u32 = (uint32_t)(conn - worker->connections) };
	int op = conn->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (conn->events == events)
		return;
	conn->events = events;
	if (sys_epoll_ctl(worker->epfd, op, conn->fd, &event) < 0)
		bench_connection_fail_errno(worker, conn, errno);
}

/* Binds to 127.0.0.1 + host. connect(2) chooses the port, so that one serves several servers. */
static bool bind_source(int fd, unsigned host)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host) };
	int yes = 1;

	return sys_setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes)) == 0 &&
	       sys_bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0;
}

/* The last part of a message must not wait for more. */
static bool set_nodelay(int fd, const struct addr *to)
{
	int yes = 1;

	return to->sa.sa_family == AF_UNIX ||
	       sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0;
}

/* Returns 1: it is connected; 0: epoll(7) will report it; -1 with errno set. */
static int connect_socket(const struct bench_worker *worker, struct bench_connection *conn)
{
	const struct addr *to = &worker->options->target.addresses[conn->address];
	int sources = worker->options->sources;

	conn->fd = sys_socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0 ||
	    (sources > 0 && !bind_source(conn->fd, (unsigned)(conn->number % sources))) ||
	    !set_nodelay(conn->fd, to))
		return -1;
	if (sys_connect(conn->fd, &to->sa, to->len) == 0)
		return 1;
	if (errno != EINPROGRESS)
		return -1;
	/* on loopback a second call returns the result at once that epoll would report later */
	if (sys_connect(conn->fd, &to->sa, to->len) == 0 || errno == EISCONN)
		return 1;
	return errno == EALREADY || errno == EINPROGRESS ? 0 : -1;
}

/* From here on recv(2) waits, for at most a tick, so that the loop checks the time. */
static bool set_blocking(int fd)
{
	struct timeval tick = { .tv_usec = BENCH_TICK_MS * 1000 };

	return sys_fcntl_int(fd, F_SETFL, 0) == 0 &&
	       sys_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)) == 0;
}

/* A new connection has room for it. */
static bool send_header(const struct bench_worker *worker, const struct bench_connection *conn)
{
	const struct proxy_flag *flag = &worker->options->proxy;
	struct addr local = { .len = sizeof(local.un) };
	char header[PROXY_BUILD_MOST];
	size_t size;
	ssize_t sent;

	if (flag->version == 0)
		return true;
	if (sys_getsockname(conn->fd, &local.sa, &local.len) < 0)
		return false;
	size = proxy_flag_write(flag, &local, &worker->options->target.addresses[conn->address],
				header);
	sent = sys_send(conn->fd, header, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent >= 0 && (size_t)sent < size)
		errno = EAGAIN;
	return sent == (ssize_t)size;
}

void bench_connection_set_ready(struct bench_worker *worker, struct bench_connection *conn)
{
	worker->connecting--;
	conn->state = BENCH_IDLE;
	mark_attempted(worker, conn);
}

ssize_t bench_connection_receive(struct bench_worker *worker, struct bench_connection *conn)
{
	if (conn->tls != NULL)
		return tls_stream_receive(conn->tls, worker->buffer, BENCH_BUFFER_SIZE);
	return sys_recv(conn->fd, worker->buffer, BENCH_BUFFER_SIZE, 0);
}

ssize_t bench_connection_send(struct bench_connection *conn, const char *bytes, size_t size)
{
	if (conn->tls != NULL)
		return tls_stream_send(conn->tls, bytes, size);
	return sys_send(conn->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool finish_connect(struct bench_worker *worker, struct bench_connection *conn)
{
	worker->stats->connects++;
	bench_stats_add_latency(&worker->stats->connect,
				(uint64_t)(bench_stats_now_ns() - conn->started_ns));
	worker->address = conn->address;
	conn->failed_addresses = conn->queue_wait_ms = 0;
	if (conn->tls != NULL)
		conn->state = BENCH_HANDSHAKING;
	else
		bench_connection_set_ready(worker, conn);
	if (send_header(worker, conn) && (!worker->is_blocking || set_blocking(conn->fd)))
		return true;
	bench_connection_fail_errno(worker, conn, errno);
	return false;
}

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
 * A unix socket with a full queue returns EAGAIN at once, where TCP would wait: that is no error
 * before the timeout.
 */
static bool may_wait_for_queue(const struct bench_worker *worker, struct bench_connection *conn,
			       int error)
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
	if (!may_wait_for_queue(worker, conn, error)) {
		count_error(worker, bench_stats_error_of(error == EAGAIN ? ETIMEDOUT : error),
			    error);
		conn->queue_wait_ms = 0;
	}
	bench_connection_close_and_retry(worker, conn, BACKOFF_FIRST_MS);
}

/* Tries this address and those after it, until one is pending. */
static bool start_connect(struct bench_worker *worker, struct bench_connection *conn)
{
	for (;;) {
		int made;

		conn->state = BENCH_CONNECTING;
		conn->started_ns = bench_stats_now_ns();
		conn->requests = 0;
		worker->connecting++;
		bench_connection_set_timer(worker, conn, worker->options->timeout_ms);
		made = connect_socket(worker, conn);
		if (made > 0)
			return finish_connect(worker, conn);
		if (made == 0) {
			bench_connection_watch(worker, conn, EPOLLIN | EPOLLOUT);
			return false;
		}
		if (!has_next_address(worker, conn, errno))
			break;
	}
	fail_connect(worker, conn, errno);
	return false;
}

bool bench_connection_open(struct bench_worker *worker, struct bench_connection *conn)
{
	conn->address = worker->address;
	conn->failed_addresses = 0;
	return start_connect(worker, conn);
}

bool bench_connection_try_next(struct bench_worker *worker, struct bench_connection *conn,
			       int error)
{
	if (has_next_address(worker, conn, error))
		return start_connect(worker, conn);
	fail_connect(worker, conn, error);
	return false;
}

bool bench_connection_check(struct bench_worker *worker, struct bench_connection *conn)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (sys_getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error != 0)
		return bench_connection_try_next(worker, conn, error);
	return finish_connect(worker, conn);
}
