/* SPDX-License-Identifier: MIT */
/*
 * Makes a listening socket and explains its failures. It knows no other listener and no older
 * configuration. Options for accepted connections are set on the listening socket, from which Linux
 * copies them: this costs no system call per connection.
 */
#include "net/listen_socket.h"

#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "config/fdlimit.h"
#include "net/socket_owner.h"
#include "net/unix_path.h"

#ifndef SO_BUF_LOCK /* headers older than 5.14 */
#define SO_BUF_LOCK 72
#endif
#ifndef SO_PASSRIGHTS /* headers older than 6.16 */
#define SO_PASSRIGHTS 83
#endif

enum knob_kind { KNOB_FLAG, KNOB_COUNT, KNOB_BUFFER };

struct knob {
	const char *name;
	int level, option;
	bool tcp; /* not an option of unix sockets */
	enum knob_kind kind;
	size_t offset; /* in struct listen_conf */
};

static const struct knob knobs[] = {
	{ "nodelay", IPPROTO_TCP, TCP_NODELAY, true, KNOB_FLAG,
	  offsetof(struct listen_conf, nodelay) },
	{ "keepalive", SOL_SOCKET, SO_KEEPALIVE, true, KNOB_FLAG,
	  offsetof(struct listen_conf, keepalive) },
	{ "fastopen", IPPROTO_TCP, TCP_FASTOPEN, true, KNOB_COUNT,
	  offsetof(struct listen_conf, fastopen) },
	{ "defer_accept", IPPROTO_TCP, TCP_DEFER_ACCEPT, true, KNOB_FLAG,
	  offsetof(struct listen_conf, defer_accept) },
	{ "rcvbuf", SOL_SOCKET, SO_RCVBUF, false, KNOB_BUFFER,
	  offsetof(struct listen_conf, rcvbuf) },
	{ "sndbuf", SOL_SOCKET, SO_SNDBUF, false, KNOB_BUFFER,
	  offsetof(struct listen_conf, sndbuf) },
};

static bool set_number(int fd, int level, int option, int value)
{
	return sys_setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static int knob_value(const struct knob *knob, const struct listen_conf *conf)
{
	const char *field = (const char *)conf + knob->offset;

	return knob->kind == KNOB_FLAG ? *(const kind_FLAG *)field : (int)*(const int64_t *)field;
}

void listen_socket_refuse_descriptors(int fd)
{
	(void)set_number(fd, SOL_SOCKET, SO_PASSRIGHTS, 0);
}

/*
 * Bytes that the kernel takes of an accepted connection before the client's window has room for
 * them, until the worker lifts that (worker/conn_io.c): a client that never reads does not get
 * megabytes of memory.
 */
enum { UNSENT_MOST = 128 * 1024 };

/* A fresh socket has every option at 0 already. */
static bool turn_knobs(int fd, const struct addr *addr, const struct listen_conf *conf, bool fresh,
		       struct err *err)
{
	char text[ADDR_TEXT];

	if (addr->sa.sa_family == AF_UNIX)
		listen_socket_refuse_descriptors(fd);
	else
		(void)set_number(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MOST);
	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		int value = knob_value(&knobs[i], conf);

		if (knobs[i].tcp && addr->sa.sa_family == AF_UNIX)
			continue;
		if (value == 0 && (fresh || knobs[i].kind == KNOB_BUFFER))
			continue;
		if (!set_number(fd, knobs[i].level, knobs[i].option, value))
			return err_errno(err, err_code(errno, CODE_OSERR), "cannot set %s on %s",
					 knobs[i].name, addr_write(addr, text));
	}
	return true;
}

/*
 * After the lock is off, the kernel sizes the buffer itself again; kernels before 5.14 keep the old
 * size.
 */
static void unlock_buffers(int fd, const struct listen_conf *conf)
{
	int locked = (conf->sndbuf ? 1 : 0) |
		     (conf->rcvbuf ? 2 : 0); /* SOCK_SNDBUF_LOCK, SOCK_RCVBUF_LOCK */

	set_number(fd, SOL_SOCKET, SO_BUF_LOCK, locked);
}

static int unprivileged_start(void)
{
	char digits[16] = "";
	int fd = sys_open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_RDONLY | O_CLOEXEC, 0);
	ssize_t got;

	if (fd < 0)
		return 1024;
	got = sys_read(fd, digits, sizeof(digits) - 1);
	sys_close(fd);
	return got > 0 ? (int)strtol(digits, NULL, 10) : 1024;
}

in_port_t listen_socket_port(const struct addr *addr)
{
	switch (addr->sa.sa_family) {
	case AF_INET:
		return ntohs(addr->in.sin_port);
	case AF_INET6:
		return ntohs(addr->in6.sin6_port);
	}
	return 0;
}

/* Fills err from errno: the cause and the remedy. Returns false. */
static bool explain_bind(const struct addr *addr, struct err *err)
{
	char text[ADDR_TEXT];
	int error = errno;

	addr_write(addr, text);
	err_errno(err, err_code(error, CODE_UNAVAILABLE), "cannot bind %s", text);
	if (error == EADDRINUSE)
		socket_owner_explain(addr, "ss -ltnp", err);
	else if (error == EADDRNOTAVAIL)
		err_set(err, err->code,
			"%s (no interface of this machine has it; ip addr shows them)", err->text);
	else if (error == EAFNOSUPPORT)
		err_set(err, err->code, "%s (this machine has no %s)", err->text,
			addr->sa.sa_family == AF_INET6 ? "IPv6" : "sockets of this family");
	else if (error == EACCES && addr->sa.sa_family != AF_UNIX &&
		 listen_socket_port(addr) < unprivileged_start())
		err_set(err, err->code, "%s (ports below %d need root or CAP_NET_BIND_SERVICE)",
			err->text, unprivileged_start());
	else
		err_set(err, err->code, "%s%s", err->text, addr_hint(addr, error));
	return fdlimit_explain(error, err);
}

bool listen_socket_check_source(const struct addr *addr, struct err *err)
{
	int fd = sys_socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool done = fd >= 0 && sys_bind(fd, &addr->sa, addr->len) == 0;

	if (!done)
		explain_bind(addr, err);
	if (fd >= 0)
		sys_close(fd);
	return done;
}

static int make_socket(const struct addr *addr, struct err *err)
{
	int fd = sys_socket(addr->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		explain_bind(addr, err);
	return fd;
}

/*
 * The first socket of a reuse_port listener sets SO_REUSEPORT only after bind, so that a port which
 * another program already shares is still refused.
 */
static bool bind_inet(int fd, const struct addr *addr, const struct listen_conf *conf, bool first)
{
	if (!set_number(fd, SOL_SOCKET, SO_REUSEADDR, 1))
		return false;
	if (addr->sa.sa_family == AF_INET6 &&
	    !set_number(fd, IPPROTO_IPV6, IPV6_V6ONLY, conf->v6only))
		return false;
	if (conf->reuse_port && !first && !set_number(fd, SOL_SOCKET, SO_REUSEPORT, 1))
		return false;
	if (sys_bind(fd, &addr->sa, addr->len) < 0)
		return false;
	return !conf->reuse_port || !first || set_number(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

static bool set_up(int fd, const struct addr *addr, const struct listen_conf *conf, bool first,
		   struct stat *made, bool *in_use, struct err *err)
{
	if (!turn_knobs(fd, addr, conf, true, err))
		return false;
	if (addr->sa.sa_family == AF_UNIX)
		return unix_path_listen(fd, addr, conf, made, err);
	/* when two sockets both bound before either listened, listen reports the conflict */
	if (bind_inet(fd, addr, conf, first) && sys_listen(fd, (int)conf->backlog) == 0)
		return true;
	*in_use = errno == EADDRINUSE;
	return explain_bind(addr, err);
}

int listen_socket_open(const struct addr *addr, const struct listen_conf *conf, bool first,
		       struct stat *made, bool *in_use, struct err *err)
{
	int fd = make_socket(addr, err);

	*in_use = false;
	if (fd >= 0 && !set_up(fd, addr, conf, first, made, in_use, err)) {
		sys_close(fd);
		fd = -1;
	}
	return fd;
}

bool listen_socket_unblock(int fd)
{
	int flags = sys_fcntl_int(fd, F_GETFL, 0);

	return flags >= 0 &&
	       (flags & O_NONBLOCK || sys_fcntl_int(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

bool listen_socket_has_queue(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return sys_poll(&p, 1, 0) != 0;
}

/*
 * Resets options that a compromised worker may have set on a shared socket and that no
 * configuration sets. An option that does not exist for this socket fails and changes nothing.
 */
static void undo_foreign(int fd)
{
	static const struct {
		int level, name, value;
	} rows[] = {
		{ IPPROTO_IP, IP_MINTTL, 0 },         { IPPROTO_IPV6, IPV6_MINHOPCOUNT, 0 },
		{ IPPROTO_TCP, TCP_CORK, 0 },         { IPPROTO_TCP, TCP_LINGER2, 0 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 0 }, { IPPROTO_TCP, TCP_WINDOW_CLAMP, 0 },
		{ SOL_SOCKET, SO_DETACH_FILTER, 0 },  { SOL_SOCKET, SO_MAX_PACING_RATE, -1 },
		{ SOL_SOCKET, SO_RCVLOWAT, 1 },
	};
	static const struct linger no_linger = { 0 };
	static const struct timeval no_limit = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		(void)sys_setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value, sizeof(int));
	(void)sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_linger, sizeof(no_linger));
	(void)sys_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &no_limit, sizeof(no_limit));
	(void)sys_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &no_limit, sizeof(no_limit));
	(void)sys_setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0);
}

/* When shutdown(2) does not end the listening state (unix(7)), poll(2) still shows it. */
bool listen_socket_listens(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens)
		return false;
	return sys_poll(&p, 1, 0) != 1 || !(p.revents & (POLLHUP | POLLRDHUP));
}

/*
 * A shutdown takes a port that the system chose (port 0) from the socket, and listen(2) would
 * choose another one. Any other port is still bound: to bind it again fails with EINVAL, or with
 * EACCES where it is privileged and the caller is not; the system chooses no privileged port.
 */
static bool has_port(int fd, const struct addr *bound)
{
	return sys_bind(fd, &bound->sa, bound->len) == 0 || errno == EINVAL || errno == EACCES;
}

/*
 * A socket that listens is not bound again: that fails while no interface has its address, which
 * may come back, and it listens all the same.
 */
static bool begin_listening(int fd, const struct addr *bound, const struct listen_conf *conf)
{
	if (bound->sa.sa_family != AF_UNIX && !listen_socket_listens(fd) && !has_port(fd, bound))
		return false;
	return sys_listen(fd, (int)conf->backlog) == 0;
}

bool listen_socket_apply(int fd, const struct addr *addr, const struct listen_conf *conf,
			 struct err *err)
{
	char text[ADDR_TEXT];

	if (!turn_knobs(fd, addr, conf, false, err))
		return false;
	unlock_buffers(fd, conf);
	undo_foreign(fd);
	if (!begin_listening(fd, addr, conf))
		return err_errno(err, CODE_OSERR, "cannot set backlog on %s",
				 addr_write(addr, text));
	return true;
}

bool listen_socket_revive(int fd, const struct addr *bound, const struct listen_conf *conf)
{
	if (bound->sa.sa_family == AF_UNIX) {
		errno = EOPNOTSUPP;
		return false;
	}
	return begin_listening(fd, bound, conf);
}

bool listen_socket_may_wait(int error)
{
	return error == EADDRINUSE || error == EADDRNOTAVAIL;
}

bool listen_socket_check(const struct addr *addr, const struct listen_conf *conf, bool *in_use,
			 struct err *err)
{
	bool good;
	int fd;

	*in_use = false;
	if (addr->sa.sa_family == AF_UNIX)
		return unix_path_check(addr, conf, err);
	fd = make_socket(addr, err);
	if (fd < 0)
		return false;
	good = turn_knobs(fd, addr, conf, true, err);
	if (good && !bind_inet(fd, addr, conf, true)) {
		*in_use = errno == EADDRINUSE;
		good = explain_bind(addr, err);
	}
	sys_close(fd);
	return good;
}

static bool is_any(const struct addr *addr)
{
	if (addr->sa.sa_family == AF_INET)
		return addr->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&addr->in6.sin6_addr);
}

bool listen_socket_is_dual(const struct addr *addr, bool v6only)
{
	return addr->sa.sa_family == AF_INET6 && is_any(addr) && !v6only;
}

/* True for a socket with a path, not one in the abstract namespace or without a name. */
static bool is_path(const struct addr *addr)
{
	return addr->sa.sa_family == AF_UNIX && addr->un.sun_path[0] == '/';
}

bool listen_socket_same_address(const struct addr *a, const struct addr *b)
{
	struct addr x = addr_unmap(a), y = addr_unmap(b);

	if (is_path(&x) && is_path(&y))
		return file_same_name(x.un.sun_path, y.un.sun_path);
	return addr_equal(&x, &y);
}

bool listen_socket_excludes(const struct addr *a, bool a_v6only, const struct addr *b,
			    bool b_v6only)
{
	struct addr x = addr_unmap(a), y = addr_unmap(b);

	if (x.sa.sa_family == AF_UNIX || y.sa.sa_family == AF_UNIX)
		return listen_socket_same_address(&x, &y);
	if (listen_socket_port(&x) == 0 || listen_socket_port(&x) != listen_socket_port(&y))
		return false;
	if (x.sa.sa_family != y.sa.sa_family)
		return listen_socket_is_dual(&x, a_v6only) || listen_socket_is_dual(&y, b_v6only);
	return is_any(&x) || is_any(&y) || listen_socket_same_address(&x, &y);
}
