/* SPDX-License-Identifier: MIT */
/*
 * Connects: socket, bind when asked to, connect (connect(2), tcp(7)). Sends and receives nothing.
 */
#include "client/connection.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "base/tcpstate.h"
#include "base/units.h"

enum { RETRY_MS = 5 }; /* after that a unix socket with a full queue is asked again */

/* Why a connection did not come to be, in words as a person would say them. */
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

static const char *family_name(int family)
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
 * A port of one's own may still be in TIME_WAIT from the last time; one that the system chooses
 * need only differ from those of connections to the same peer, so let it choose when it knows the
 * peer.
 */
static bool bind_socket(int fd, const struct addr *source, const struct trace *trace,
			struct err *err)
{
	bool has_port = port_of(source) != 0;
	char shown[ADDR_TEXT];
	int one = 1;

	if (has_port)
		sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	else
		sys_setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	addr_write(source, shown);
	if (sys_bind(fd, &source->sa, source->len) < 0)
		return err_errno(err, err_code(errno, CODE_UNAVAILABLE), "cannot connect from %s",
				 shown);
	trace_print(trace, "bind(): from %s%s", shown,
		    has_port ? "" : " (port 0: the system will choose one)");
	return true;
}

/* Waits for the handshake; its errno, 0 when it is done. */
static int wait_for_handshake(int fd, int64_t until_us)
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

/* A unix socket with a full queue says EAGAIN, and nothing tells when it has room again. */
static int connect_within(int fd, const struct addr *to, int timeout_ms)
{
	int64_t until_us = clock_us() + (int64_t)timeout_ms * 1000;

	while (sys_connect(fd, &to->sa, to->len) < 0) {
		if (errno == EINPROGRESS || errno == EINTR)
			return wait_for_handshake(fd, until_us);
		if (errno != EAGAIN || to->sa.sa_family != AF_UNIX)
			return errno;
		if (clock_us() > until_us)
			return ETIMEDOUT;
		sys_poll(NULL, 0, RETRY_MS);
	}
	return 0;
}

/*
 * Learns both ends. When nobody listens at a port that the system may also choose for this end, TCP
 * may connect a socket to itself: that is a refusal.
 */
static int read_addresses(struct connection *connection)
{
	socklen_t size = sizeof(connection->local) - offsetof(struct addr, sa);

	if (sys_getsockname(connection->fd, &connection->local.sa, &size) < 0)
		return errno;
	connection->local.len = size;
	if (connection->remote.sa.sa_family != AF_UNIX &&
	    addr_equal(&connection->local, &connection->remote))
		return ECONNREFUSED;
	return 0;
}

static void trace_connected(const struct connection *connection, bool is_bound, int64_t took_us,
			    const struct trace *trace)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);
	char shown[ADDR_TEXT];

	addr_write(&connection->remote, shown);
	if (connection->remote.sa.sa_family == AF_UNIX) {
		trace_print(trace, "connect(): %s: connected in %lld us", shown,
			    (long long)took_us);
		return;
	}
	sys_getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	trace_print(trace, "connect(): %s: connected in %lld us (three-way handshake; RTT %u us)",
		    shown, (long long)took_us, info.tcpi_rtt);
	trace_print(trace, "local address %s%s", addr_write(&connection->local, shown),
		    is_bound ? "" : ": the port was chosen by the system");
	trace_print(trace, "state %s", sockdiag_state_name(sockdiag_tcp_state(connection->fd)));
}

/* Makes link->fd a connection to link->remote; *error is 0, or why it cannot be reached. */
static bool connect_socket(struct connection *connection, const struct addr *source, int timeout_ms,
			   const struct trace *trace, int *error, struct err *err)
{
	int64_t start_us, took_us;
	int one = 1;

	trace_print(trace, "socket(): %s", family_name(connection->remote.sa.sa_family));
	if (source != NULL && !bind_socket(connection->fd, source, trace, err))
		return false;
	start_us = clock_us();
	*error = connect_within(connection->fd, &connection->remote, timeout_ms);
	took_us = clock_us() - start_us;
	if (*error == 0)
		*error = read_addresses(connection);
	if (*error != 0)
		return true;
	/* a message goes out at once, also its last, short segment */
	if (connection->remote.sa.sa_family != AF_UNIX)
		sys_setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	trace_connected(connection, source != NULL && port_of(source) != 0, took_us, trace);
	return true;
}

/* False with err when no address needs to be tried any more. */
static bool try_address(struct connection *connection, const struct addr *source, int timeout_ms,
			const struct trace *trace, int *error, struct err *err)
{
	*error = 0;
	connection->fd = sys_socket(connection->remote.sa.sa_family,
				    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connection->fd < 0 && errno != EAFNOSUPPORT)
		return err_errno(err, CODE_OSERR, "cannot make a socket");
	if (connection->fd < 0) {
		*error = errno;
		return true;
	}
	if (connect_socket(connection, source, timeout_ms, trace, error, err) && *error == 0)
		return true;
	sys_close(connection->fd);
	connection->fd = -1;
	return *error != 0;
}

/* Adds an address and why it cannot be reached to what err says of those before it. */
static void add_error(struct err *err, const struct addr *addr, int error, int timeout_ms,
		      const struct trace *trace)
{
	char shown[ADDR_TEXT], text[UNITS_TEXT + 16];
	const char *why = connect_error(error, timeout_ms, text, sizeof(text));
	struct err before = *err;

	addr_write(addr, shown);
	trace_print(trace, "connect(): %s: %s", shown, why);
	err_set(err, err_code(error, CODE_UNAVAILABLE), "%s: %s", shown, why);
	if (before.text[0] != '\0')
		err_prefix(err, "%s; ", before.text);
}

bool connection_open(struct connection *connection, const struct target *target,
		     const struct addr *source, int timeout_ms, const struct trace *trace,
		     struct err *err)
{
	char first[ADDR_TEXT];
	int error;

	for (int i = 0; i < target->count; i++) {
		*connection = (struct connection){ .remote = target->addresses[i] };
		if (!try_address(connection, source, timeout_ms, trace, &error, err))
			return false;
		if (error == 0) {
			*err = (struct err){ .code = CODE_OK };
			return true;
		}
		add_error(err, &connection->remote, error, timeout_ms, trace);
	}
	if (strcmp(addr_write(&target->addresses[0], first), target->name) != 0)
		err_prefix(err, "%s: ", target->name);
	return false;
}
