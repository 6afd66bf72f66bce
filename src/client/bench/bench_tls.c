/* SPDX-License-Identifier: MIT */
/*
 * The handshakes of a bench. A connection that is to resume has the session of the last one in its
 * place, as a client that comes back has. Must not wait.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include "client/bench/bench_worker.h"

static uint32_t epoll_events(short events)
{
	return events == POLLOUT ? EPOLLOUT : EPOLLIN;
}

uint32_t bench_tls_receive_events(const struct bench_connection *conn)
{
	return conn->tls == NULL ? EPOLLIN : epoll_events(conn->tls->receive_wait);
}

uint32_t bench_tls_send_events(const struct bench_connection *conn)
{
	return conn->tls == NULL ? EPOLLOUT : epoll_events(conn->tls->send_wait);
}

static void count_handshake(struct bench_worker *worker, const struct bench_connection *conn)
{
	struct bench_stats *stats = worker->stats;

	stats->handshakes++;
	stats->run_handshakes += worker->is_running;
	stats->resumed += tls_stream_is_resumed(conn->tls);
	bench_stats_add_latency(&stats->handshake,
				(uint64_t)(bench_stats_now_ns() - conn->latency_from_ns));
}

/* The report has the first reason alone: a server seldom has a second one. */
static void fail_handshake(struct bench_worker *worker, struct bench_connection *conn)
{
	struct bench_stats *stats = worker->stats;

	if (stats->tls_error[0] == '\0')
		tls_stream_describe_end(conn->tls, stats->tls_error);
	bench_connection_fail(worker, conn, BENCH_ERROR_TLS, 0);
}

bool bench_tls_handshake(struct bench_worker *worker, struct bench_connection *conn)
{
	switch (tls_stream_handshake(conn->tls)) {
	case TLS_HANDSHAKE_DONE:
		count_handshake(worker, conn);
		bench_connection_set_ready(worker, conn);
		return true;
	case TLS_HANDSHAKE_WAITS:
		bench_connection_watch(worker, conn, bench_tls_receive_events(conn));
		return false;
	case TLS_HANDSHAKE_FAILED:
		fail_handshake(worker, conn);
		return false;
	}
	return false;
}

bool bench_tls_start(struct bench_worker *worker, struct bench_connection *conn)
{
	conn->latency_from_ns = bench_stats_now_ns();
	if (tls_stream_open(conn->tls, worker->options->context, conn->fd))
		return bench_tls_handshake(worker, conn);
	bench_connection_fail_errno(worker, conn, errno);
	return false;
}
