/* SPDX-License-Identifier: MIT */
/*
 * Connects (socket, bind for --bind, connect), closes, and writes the trace of -v. The side that
 * closes first keeps the connection in TIME_WAIT for a minute (RFC 9293, 3.6). Of bytes it sends
 * the PROXY header alone.
 */
#include "client/connection.h"

#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sockdiag.h"
#include "base/stdio.h"
#include "base/sys.h"
#include "base/units.h"

enum {
	RETRY_MS = 5,        /* between two tries at a unix socket with a full queue */
	FINAL_WAIT_MS = 500, /* for the state after close(2), */
	FINAL_POLL_MS = 2,   /* which is read this often */
};

void connection_init(struct connection *conn, bool is_traced, struct screen *screen)
{
	*conn = (struct connection){ .fd = -1, .is_traced = is_traced, .screen = screen };
	conn->has_colour = is_traced && stdio_has_colour(STDERR_FILENO);
	conn->start_us = clock_us();
}

void connection_trace(const struct connection *conn, const char *format, ...)
{
	int64_t since_us = clock_us() - conn->start_us;
	int error = errno;
	char text[1024];
	va_list values;

	if (!conn->is_traced)
		return;
	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	screen_break_line(conn->screen);
	fprintf(stderr, "%s%3lld.%06lld%s  %s\n", conn->has_colour ? "\033[2m" : "",
		(long long)(since_us / 1000000), (long long)(since_us % 1000000),
		conn->has_colour ? "\033[0m" : "", text);
	errno = error;
}

/* The reason why connect(2) failed, in words for the user. */
static const char *connect_error(int error, int timeout_ms, char *text, size_t size)
{
	char shown[UNITS_TEXT];

	switch (error) {
	case ECONNREFUSED:
		return "connection refused";
	case ETIMEDOUT:
		snprintf(text, size, "timed out (%s)", units_write_duration(timeout_ms, shown));
		return text;
	case EHOSTUNREACH:
		return "host unreachable";
	case ENETUNREACH:
		return "network unreachable";
	case EADDRNOTAVAIL:
		return "no local port is left for it";
	default:
		return strerror(error);
	}
}

static const char *transport_name(int family)
{
	switch (family) {
	case AF_INET:
		return "IPv4, TCP";
	case AF_INET6:
		return "IPv6, TCP";
	default:
		return "unix";
	}
}

static uint16_t port_of(const struct addr *addr)
{
	return ntohs(addr->sa.sa_family == AF_INET ? addr->in.sin_port : addr->in6.sin6_port);
}

/*
 * A given port may still be in TIME_WAIT from the last connection. A port that the system chooses
 * need only differ from those of connections to the same peer, so connect(2) chooses it, which
 * knows the peer.
 */
static bool bind_source(const struct connection *conn, const struct addr *source, struct err *err)
{
	bool has_port = port_of(source) != 0;
	char shown[ADDR_TEXT];
	int one = 1;

	if (has_port)
		sys_setsockopt(conn->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	else
		sys_setsockopt(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	addr_write(source, shown);
	if (sys_bind(conn->fd, &source->sa, source->len) < 0) {
		err_errno(err, err_code(errno, CODE_UNAVAILABLE), "cannot connect from %s", shown);
		return err_set(err, err->code, "%s%s", err->text, addr_hint(source, errno));
	}
	connection_trace(conn, "bind(): from %s%s", shown,
			 has_port ? "" : " (port 0: the system will choose one)");
	return true;
}

/* Waits for the handshake. Returns its errno, 0 when it is done. */
static int await_handshake(int fd, int64_t until_us)
{
	struct pollfd poll = { .fd = fd, .events = POLLOUT };
	int error = 0, count;
	socklen_t size = sizeof(error);

	do {
		int64_t left_us = until_us - clock_us();

		if (left_us <= 0)
			return ETIMEDOUT;
		count = sys_poll(&poll, 1, (int)((left_us + 999) / 1000));
	} while (count == 0 || (count < 0 && errno == EINTR));
	if (count < 0 || sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return errno;
	return error;
}

/* A unix socket with a full queue returns EAGAIN, and no event reports when it has room again. */
static int connect_within(int fd, const struct addr *to, int timeout_ms)
{
	int64_t until_us = clock_us() + (int64_t)timeout_ms * 1000;

	while (sys_connect(fd, &to->sa, to->len) < 0) {
		if (errno == EINPROGRESS || errno == EINTR)
			return await_handshake(fd, until_us);
		if (errno != EAGAIN || to->sa.sa_family != AF_UNIX)
			return errno;
		if (clock_us() > until_us)
			return ETIMEDOUT;
		sys_poll(NULL, 0, RETRY_MS);
	}
	return 0;
}

/*
 * TCP may connect a socket to itself: no server listens at the port, and the system has chosen the
 * same one for this end. This counts as a refusal.
 */
static int read_local_address(struct connection *conn)
{
	socklen_t size = sizeof(conn->local) - offsetof(struct addr, sa);

	if (sys_getsockname(conn->fd, &conn->local.sa, &size) < 0)
		return errno;
	conn->local.len = size;
	if (conn->remote.sa.sa_family != AF_UNIX && addr_equal(&conn->local, &conn->remote))
		return ECONNREFUSED;
	return 0;
}

static void trace_connected(const struct connection *conn, bool is_bound, int64_t took_us)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);
	char shown[ADDR_TEXT];

	addr_write(&conn->remote, shown);
	if (conn->remote.sa.sa_family == AF_UNIX) {
		connection_trace(conn, "connect(): %s: connected in %lld us", shown,
				 (long long)took_us);
		return;
	}
	sys_getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	connection_trace(conn,
			 "connect(): %s: connected in %lld us (three-way handshake; RTT %u us)",
			 shown, (long long)took_us, info.tcpi_rtt);
	connection_trace(conn, "local address %s%s", addr_write(&conn->local, shown),
			 is_bound ? "" : ": the port was chosen by the system");
	connection_trace(conn, "state %s", sockdiag_state_name(sockdiag_tcp_state(conn->fd)));
}

/* Connects conn->fd to conn->remote; *error is 0, or the reason why it cannot be reached. */
static bool connect_socket(struct connection *conn, const struct addr *source, int timeout_ms,
			   int *error, struct err *err)
{
	int64_t start_us, took_us;
	int one = 1;

	connection_trace(conn, "socket(): %s", transport_name(conn->remote.sa.sa_family));
	if (source != NULL && !bind_source(conn, source, err))
		return false;
	start_us = clock_us();
	*error = connect_within(conn->fd, &conn->remote, timeout_ms);
	took_us = clock_us() - start_us;
	if (*error == 0)
		*error = read_local_address(conn);
	if (*error != 0)
		return true;
	/* send the last, short segment of a message at once too */
	if (conn->remote.sa.sa_family != AF_UNIX)
		sys_setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	trace_connected(conn, source != NULL && port_of(source) != 0, took_us);
	return true;
}

/* Returns false with err when no further address is to be tried. */
static bool try_address(struct connection *conn, const struct addr *source, int timeout_ms,
			int *error, struct err *err)
{
	*error = 0;
	conn->fd = sys_socket(conn->remote.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			      0);
	if (conn->fd < 0 && errno != EAFNOSUPPORT)
		return err_errno(err, CODE_OSERR, "cannot make a socket");
	if (conn->fd < 0) {
		*error = errno;
		return true;
	}
	if (connect_socket(conn, source, timeout_ms, error, err) && *error == 0)
		return true;
	sys_close(conn->fd);
	conn->fd = -1;
	return *error != 0;
}

/* Appends the address and the reason why it cannot be reached to those before it. */
static void add_connect_error(struct err *err, const struct connection *conn, int error,
			      int timeout_ms)
{
	char shown[ADDR_TEXT], text[UNITS_TEXT + 16];
	const char *reason = connect_error(error, timeout_ms, text, sizeof(text));
	struct err before = *err;

	addr_write(&conn->remote, shown);
	connection_trace(conn, "connect(): %s: %s", shown, reason);
	err_set(err, err_code(error, CODE_UNAVAILABLE), "%s: %s%s", shown, reason,
		addr_hint(&conn->remote, error));
	if (before.text[0] != '\0')
		err_prefix(err, "%s; ", before.text);
}

bool connection_open(struct connection *conn, const struct target *target,
		     const struct addr *source, int timeout_ms, struct err *err)
{
	char first[ADDR_TEXT];
	int error;

	for (int i = 0; i < target->count; i++) {
		conn->remote = target->addresses[i];
		if (!try_address(conn, source, timeout_ms, &error, err))
			return false;
		if (error == 0) {
			*err = (struct err){ .code = CODE_OK };
			return true;
		}
		add_connect_error(err, conn, error, timeout_ms);
	}
	if (strcmp(addr_write(&target->addresses[0], first), target->name) != 0)
		err_prefix(err, "%s: ", target->name);
	return false;
}

/* A new connection has room for the header, unless its unix socket is a very small one. */
static bool send_bytes(const struct connection *conn, const char *bytes, size_t size,
		       int64_t until_us)
{
	struct pollfd poll = { .fd = conn->fd, .events = POLLOUT };

	while (size > 0) {
		ssize_t sent = sys_send(conn->fd, bytes, size, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (sent > 0) {
			bytes += sent;
			size -= (size_t)sent;
		} else if (clock_us() >= until_us) {
			errno = ETIMEDOUT;
			return false;
		} else {
			(void)sys_poll(&poll, 1, RETRY_MS);
		}
	}
	return true;
}

bool connection_send_header(struct connection *conn, const struct proxy_flag *flag, int timeout_ms,
			    struct err *err)
{
	char header[PROXY_BUILD_MOST];
	size_t size;

	if (flag->version == 0)
		return true;
	size = proxy_flag_write(flag, &conn->local, &conn->remote, header);
	if (!send_bytes(conn, header, size, clock_us() + (int64_t)timeout_ms * 1000)) {
		conn->is_reset = errno != ETIMEDOUT;
		return err_errno(err, CODE_FAILED, "cannot send the PROXY header");
	}
	if (flag->version == 1)
		connection_trace(conn, "send: %.*s (a PROXY header)", (int)size - 2, header);
	else
		connection_trace(conn, "send: %zu bytes (a PROXY header, version 2%s)", size,
				 flag->is_local ? ", local" : "");
	return true;
}

/* Reads the state until it is final, which it is at once if the peer closes too. */
static enum sockdiag_answer await_final_state(struct sockdiag *diag, const struct connection *conn,
					      int *state)
{
	int64_t until_ms = clock_ms() + FINAL_WAIT_MS;

	for (;;) {
		enum sockdiag_answer answer =
			sockdiag_tcp(diag, &conn->local, &conn->remote, state);
		bool is_final = *state == TCP_TIME_WAIT || *state == TCP_CLOSE;

		if (answer != SOCKDIAG_FOUND || is_final || clock_ms() >= until_ms)
			return answer;
		sys_poll(NULL, 0, FINAL_POLL_MS);
	}
}

static const char *describe_state(const struct connection *conn, int state)
{
	switch (state) {
	case TCP_TIME_WAIT:
		return "TIME_WAIT: this side closed first, and so keeps the two addresses for a "
		       "minute";
	case TCP_CLOSE:
		if (conn->closed_first)
			return "no socket left: the connection was reset, or this system keeps no "
			       "more in TIME_WAIT";
		if (conn->is_reset)
			return "no socket left: the connection was reset";
		return "no socket left: the peer closed first, and keeps TIME_WAIT";
	case TCP_FIN_WAIT1:
		return "FIN_WAIT1: the peer has not confirmed the end yet";
	case TCP_FIN_WAIT2:
		return "FIN_WAIT2: the peer has not closed its side yet";
	default:
		return sockdiag_state_name(state);
	}
}

static void trace_final_state(const struct connection *conn)
{
	struct sockdiag diag;
	enum sockdiag_answer answer = SOCKDIAG_REFUSED;
	int state = TCP_CLOSE;

	if (sockdiag_open(&diag)) {
		answer = await_final_state(&diag, conn, &state);
		sockdiag_close(&diag);
	}
	if (answer == SOCKDIAG_FOUND)
		connection_trace(conn, "state afterwards: %s", describe_state(conn, state));
	else
		connection_trace(conn, "state afterwards: not to be seen here: sock_diag: %s",
				 strerror(errno));
}

static const char *describe_close(const struct connection *conn)
{
	if (conn->is_reset)
		return "the connection was reset";
	return conn->closed_first ? "this side closed first" : "the peer closed first";
}

bool connection_notify(struct connection *conn)
{
	bool was_notified = conn->tls.is_notified, is_done = tls_stream_notify(&conn->tls);

	if (conn->tls.is_notified && !was_notified)
		connection_trace(conn, "TLS: close_notify sent");
	return is_done;
}

void connection_close(struct connection *conn)
{
	if (!conn->is_shut_down)
		conn->closed_first = !conn->peer_closed;
	connection_notify(conn);
	tls_stream_close(&conn->tls);
	sys_close(conn->fd);
	conn->fd = -1;
	connection_trace(conn, "close(): %s", describe_close(conn));
	if (conn->is_traced && conn->remote.sa.sa_family != AF_UNIX)
		trace_final_state(conn);
}
