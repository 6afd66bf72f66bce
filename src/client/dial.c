/* SPDX-License-Identifier: MIT */
/*
 * Connects: socket, bind when asked to, connect (connect(2), tcp(7)). Sends and receives nothing.
 */
#include "client/dial.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sockdiag.h"
#include "base/sys.h"
#include "base/units.h"

enum { FULL_QUEUE_MS = 5 }; /* after that a unix socket with a full queue is asked again */

/* Why a connection did not come to be, in words as a person would say them. */
static const char *reason(int error, int timeout_ms, char *text, size_t size)
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

static const char *kind_name(int family)
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
static bool bind_to(int fd, const struct addr *source, const struct story *story, struct err *err)
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
	story_tell(story, "bind(): from %s%s", shown,
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
		sys_poll(NULL, 0, FULL_QUEUE_MS);
	}
	return 0;
}

/*
 * Learns both ends. When nobody listens at a port that the system may also choose for this end, TCP
 * may connect a socket to itself: that is a refusal.
 */
static int learn_ends(struct link *link)
{
	socklen_t size = sizeof(link->local) - offsetof(struct addr, sa);

	if (sys_getsockname(link->fd, &link->local.sa, &size) < 0)
		return errno;
	link->local.len = size;
	if (link->remote.sa.sa_family != AF_UNIX && addr_equal(&link->local, &link->remote))
		return ECONNREFUSED;
	return 0;
}

static void tell_connected(const struct link *link, bool is_bound, int64_t took_us,
			   const struct story *story)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);
	char shown[ADDR_TEXT];

	addr_write(&link->remote, shown);
	if (link->remote.sa.sa_family == AF_UNIX) {
		story_tell(story, "connect(): %s: connected in %lld us", shown, (long long)took_us);
		return;
	}
	sys_getsockopt(link->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	story_tell(story, "connect(): %s: connected in %lld us (three-way handshake; RTT %u us)",
		   shown, (long long)took_us, info.tcpi_rtt);
	story_tell(story, "local address %s%s", addr_write(&link->local, shown),
		   is_bound ? "" : ": the port was chosen by the system");
	story_tell(story, "state %s", sockdiag_state_name(sockdiag_tcp_state(link->fd)));
}

/* Makes link->fd a connection to link->remote; *error is 0, or why it cannot be reached. */
static bool establish(struct link *link, const struct addr *source, int timeout_ms,
		      const struct story *story, int *error, struct err *err)
{
	int64_t start_us, took_us;
	int one = 1;

	story_tell(story, "socket(): %s", kind_name(link->remote.sa.sa_family));
	if (source != NULL && !bind_to(link->fd, source, story, err))
		return false;
	start_us = clock_us();
	*error = connect_within(link->fd, &link->remote, timeout_ms);
	took_us = clock_us() - start_us;
	if (*error == 0)
		*error = learn_ends(link);
	if (*error != 0)
		return true;
	/* a message goes out at once, also its last, short segment */
	if (link->remote.sa.sa_family != AF_UNIX)
		sys_setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	tell_connected(link, source != NULL && port_of(source) != 0, took_us, story);
	return true;
}

/* False with err when no address needs to be tried any more. */
static bool try(struct link *link, const struct addr *source, int timeout_ms,
		const struct story *story, int *error, struct err *err)
{
	*error = 0;
	link->fd = sys_socket(link->remote.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			      0);
	if (link->fd < 0 && errno != EAFNOSUPPORT)
		return err_errno(err, CODE_OSERR, "cannot make a socket");
	if (link->fd < 0) {
		*error = errno;
		return true;
	}
	if (establish(link, source, timeout_ms, story, error, err) && *error == 0)
		return true;
	sys_close(link->fd);
	link->fd = -1;
	return *error != 0;
}

/* Adds an address and why it cannot be reached to what err says of those before it. */
static void add_reason(struct err *err, const struct addr *addr, int error, int timeout_ms,
		       const struct story *story)
{
	char shown[ADDR_TEXT], text[UNITS_TEXT + 16];
	const char *why = reason(error, timeout_ms, text, sizeof(text));
	struct err before = *err;

	addr_write(addr, shown);
	story_tell(story, "connect(): %s: %s", shown, why);
	err_set(err, err_code(error, CODE_UNAVAILABLE), "%s: %s", shown, why);
	if (before.text[0] != '\0')
		err_prefix(err, "%s; ", before.text);
}

bool dial(struct link *link, const struct target *target, const struct addr *source, int timeout_ms,
	  const struct story *story, struct err *err)
{
	char first[ADDR_TEXT];
	int error;

	for (int i = 0; i < target->count; i++) {
		*link = (struct link){ .remote = target->addresses[i] };
		if (!try(link, source, timeout_ms, story, &error, err))
			return false;
		if (error == 0) {
			*err = (struct err){ .code = CODE_OK };
			return true;
		}
		add_reason(err, &link->remote, error, timeout_ms, story);
	}
	if (strcmp(addr_write(&target->addresses[0], first), target->name) != 0)
		err_prefix(err, "%s: ", target->name);
	return false;
}
