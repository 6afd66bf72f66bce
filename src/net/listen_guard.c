/* SPDX-License-Identifier: MIT */
/*
 * Checks the flags before each accept, and bounds it by a timer once they were wrong. It closes
 * nothing and leaves epoll alone.
 */
#include "net/listen_guard.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "net/listen_socket.h"

enum {
	MOST_US = 1000,  /* longest accept in ALERT */
	SAID_MS = 60000, /* between two log lines about repairs */
};

/* Its arrival is enough: it interrupts a blocking system call. */
static void be_woken(int number)
{
	(void)number;
}

static bool handle_timer(struct listen_guard *guard)
{
	const struct sigaction action = { .sa_handler = be_woken }; /* no SA_RESTART */
	sigset_t alarms;

	if (guard->hears_timer)
		return true;
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	guard->hears_timer = sigaction(SIGALRM, &action, NULL) == 0 &&
			     sys_sigprocmask(SIG_UNBLOCK, &alarms, NULL) == 0;
	return guard->hears_timer;
}

/* Repeats until it is set to 0, in case the first signal came before the call had begun. */
static void set_timer(long us)
{
	const struct itimerval time = { { 0, us }, { 0, us } };

	(void)sys_setitimer(ITIMER_REAL, &time);
}

static int accept_conn(int fd, struct addr *remote)
{
	return sys_accept4(fd, &remote->sa, &remote->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static int take_in_time(int fd, struct addr *remote)
{
	int taken, error;

	set_timer(MOST_US);
	taken = accept_conn(fd, remote);
	error = errno;
	set_timer(0);
	errno = error;
	return taken;
}

/* True once in SAID_MS, which it notes. */
static bool is_worth_a_line(const struct listen_guard *guard, int64_t *said_ms)
{
	int64_t now_ms = guard->loop->now_ms;

	if (*said_ms != 0 && now_ms - *said_ms < SAID_MS)
		return false;
	*said_ms = now_ms;
	return true;
}

static void note_mended(struct listen_guard *guard, const struct listener *listener,
			const char *reason)
{
	atomic_fetch_add_explicit(guard->mended, 1, memory_order_relaxed);
	if (is_worth_a_line(guard, &guard->said_ms))
		LOG(EVENT_listener_mended, LOG_STR("listen", listener->conf->address),
		    LOG_STR("reason", reason));
}

static void unblock_listener(struct listen_guard *guard, const struct listener *listener, int fd,
			     int flags)
{
	(void)sys_fcntl_int(fd, F_SETFL, flags | O_NONBLOCK);
	guard->is_alert = guard->is_alert || handle_timer(guard);
	note_mended(guard, listener, "O_NONBLOCK had been cleared");
}

/* A program that shares it may have to find it blocking. */
static bool is_lent(const struct listener *listener)
{
	return listener->lent && atomic_load_explicit(listener->lent, memory_order_relaxed) != 0;
}

int listen_guard_accept(struct listen_guard *guard, const struct listener *listener, int fd,
			bool is_asked, struct addr *remote)
{
	int flags = sys_fcntl_int(fd, F_GETFL, 0);
	bool is_blocking = flags >= 0 && !(flags & O_NONBLOCK);

	if (is_blocking && !is_lent(listener))
		unblock_listener(guard, listener, fd, flags);
	if (guard->is_alert || ((is_asked || is_blocking) && handle_timer(guard)))
		return take_in_time(fd, remote);
	return accept_conn(fd, remote);
}

/* TCP returns EINVAL; a unix socket only EAGAIN, although it is reported ready. */
static bool is_suspect(const struct listener *listener, int error)
{
	return error == EINVAL || (error == EAGAIN && listener->bound.sa.sa_family == AF_UNIX);
}

static void log_waiting(const struct listener *listener, int error)
{
	char advice[192] = "no reload is needed: it listens once an interface has the address (ip "
			   "addr shows them)";

	if (error == EADDRINUSE)
		snprintf(advice, sizeof(advice),
			 "no reload is needed: it listens once the port is free (ss -tanp 'sport = "
			 ":%u' shows connections that hold it, clients' too; not a socket that is "
			 "only bound)",
			 listen_socket_port(&listener->bound));
	LOG(EVENT_listener_waits, LOG_STR("listen", listener->conf->address),
	    LOG_STR("message", strerror(error)), LOG_STR("advice", advice));
}

/* Another worker may have been faster between this one's bind and its look at the result. */
static enum listen_state handle_wait(const struct listen_guard *guard,
				     const struct listener *listener, int fd, int error,
				     int64_t *said_ms)
{
	if (listen_socket_listens(fd))
		return LISTENING;
	if (is_worth_a_line(guard, said_ms))
		log_waiting(listener, error);
	return LISTEN_WAITS;
}

static enum listen_state revive_listener(struct listen_guard *guard,
					 const struct listener *listener, int fd, int64_t *said_ms)
{
	if (listen_socket_revive(fd, &listener->bound, listener->conf)) {
		note_mended(guard, listener, "it had been shut down");
		return LISTENING;
	}
	if (listen_socket_may_wait(errno))
		return handle_wait(guard, listener, fd, errno, said_ms);
	LOG(EVENT_listener_lost, LOG_STR("listen", listener->conf->address),
	    LOG_STR("message", strerror(errno)), LOG_STR("advice", "a reload opens it anew"));
	return LISTEN_LOST;
}

enum listen_state listen_guard_check(struct listen_guard *guard, const struct listener *listener,
				     int fd, int64_t *said_ms)
{
	enum listen_state state = LISTENING;
	int error = errno;

	if (is_suspect(listener, error) && !listen_socket_listens(fd))
		state = revive_listener(guard, listener, fd, said_ms);
	errno = error;
	return state;
}

bool listen_guard_is_passing(int error)
{
	switch (error) {
	case EAGAIN:
	case EINVAL: /* the socket was shut down and listens again */
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}

/* A worker that left by itself has closed them in the table that all workers of the slot share. */
static bool is_closed(int fd)
{
	struct sockaddr_storage peer;
	int listens = 0;
	socklen_t len = sizeof(listens), size = sizeof(peer);

	if (sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
		return errno == EBADF || errno == ENOTSOCK;
	/*
	 * A socket that was shut down does not listen either, but has no peer; it can be revived.
	 */
	return !listens && sys_getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
}

bool listen_guard_has_all(const struct listener_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		for (unsigned k = 0; k < set->list[i].fd_count; k++)
			if (is_closed(set->list[i].fds[k]))
				return false;
	return true;
}
