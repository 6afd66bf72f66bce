/* SPDX-License-Identifier: MIT */
/* Opens many connections and keeps them. Must not wait anywhere but in epoll_wait(2). */
#include "members.h"

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "client/bench/bench_stats.h"

enum { BATCH = 64, BUFFER = 64 * 1024 };
#define STOP_TAG UINT64_MAX

static void watch(struct members *all, struct member *m, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = (uint64_t)(m - all->list) };
	int op = m->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (m->watched == events)
		return;
	if (sys_epoll_ctl(all->epfd, op, m->fd, &event) < 0)
		all->errors++;
	m->watched = events;
}

static void close_member(struct member *m)
{
	if (m->fd >= 0)
		sys_close(m->fd);
	m->fd = -1;
}

static void lose(struct members *all, struct member *m)
{
	int64_t lived_ms = (bench_stats_now_ns() - m->begun_ns) / 1000000;

	close_member(m);
	if (all->role == ROLE_ASK) {
		all->errors++;
		return;
	}
	if (all->ended++ == 0 || lived_ms < all->first_end_ms)
		all->first_end_ms = lived_ms;
	if (lived_ms > all->last_end_ms)
		all->last_end_ms = lived_ms;
}

/* Sends what the kernel takes, at most FLOOD_BYTES a turn, so that every member gets its turn. */
static void flood(struct members *all, struct member *m)
{
	ssize_t n = sys_send(m->fd, all->flood + m->at, FLOOD_BYTES, MSG_NOSIGNAL);

	if (n >= 0)
		m->at = (m->at + (size_t)n) % all->message_size;
	else if (errno != EAGAIN && errno != EINTR)
		lose(all, m);
}

/* Messages are small: an established connection takes a whole one. */
static void ask(struct members *all, struct member *m)
{
	ssize_t n = sys_send(m->fd, all->message, all->message_size, MSG_NOSIGNAL);

	m->got = 0;
	http_response_init(&m->http);
	if (n < 0 && errno == EAGAIN)
		watch(all, m, EPOLLIN | EPOLLOUT); /* the connection is not established yet */
	else if (n == (ssize_t)all->message_size)
		watch(all, m, EPOLLIN);
	else
		lose(all, m);
}

void members_open_next(struct members *all)
{
	struct member *m = &all->list[all->opened++];

	m->begun_ns = bench_stats_now_ns();
	m->fd = sys_socket(all->to.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (m->fd < 0 ||
	    (sys_connect(m->fd, &all->to.sa, all->to.len) < 0 && errno != EINPROGRESS)) {
		all->errors++;
		close_member(m);
	} else if (all->role == ROLE_HOLD || all->role == ROLE_ASK) {
		ask(all, m);
	} else {
		watch(all, m, EPOLLIN | EPOLLOUT);
	}
}

static bool is_whole(struct members *all, struct member *m, const char *bytes, size_t n)
{
	m->got += n;
	if (!all->is_http)
		return m->got >= all->expected;
	http_response_parse(&m->http, bytes, n);
	return m->http.state == HTTP_RESPONSE_COMPLETE;
}

static void answers(struct members *all, struct member *m)
{
	all->requests++;
	if (all->role == ROLE_ASK)
		ask(all, m);
	else
		all->settled++;
}

static void take(struct members *all, struct member *m)
{
	static char bytes[BUFFER];
	ssize_t got = sys_recv(m->fd, bytes, BUFFER, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		lose(all, m);
		return;
	}
	all->bytes += (uint64_t)got;
	if ((all->role == ROLE_HOLD || all->role == ROLE_ASK) &&
	    is_whole(all, m, bytes, (size_t)got))
		answers(all, m);
}

static void connected(struct members *all, struct member *m)
{
	if (all->role == ROLE_HOLD || all->role == ROLE_ASK) {
		ask(all, m);
	} else if (all->role == ROLE_SLOW) {
		all->settled++;
		watch(all, m, EPOLLIN);
	} else {
		all->settled += m->at == 0;
		flood(all, m);
	}
}

static void serve(struct members *all, struct member *m, uint32_t events)
{
	if (m->fd < 0)
		return;
	if ((events & EPOLLOUT) && !(events & (EPOLLERR | EPOLLHUP)))
		connected(all, m);
	if (m->fd >= 0 && (events & ~(uint32_t)EPOLLOUT))
		take(all, m);
}

void members_drip(struct members *all)
{
	struct member *m = &all->list[all->dripped % all->count];

	if (all->dripped++ < all->count)
		m->begun_ns = bench_stats_now_ns();
	if (m->fd >= 0 && sys_send(m->fd, "x", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		lose(all, m);
}

bool members_turn(struct members *all, int wait_ms)
{
	struct epoll_event batch[BATCH];
	int n = sys_epoll_wait(all->epfd, batch, BATCH, wait_ms);

	for (int i = 0; i < n; i++) {
		char byte;

		if (batch[i].data.u64 != STOP_TAG)
			serve(all, &all->list[batch[i].data.u64], batch[i].events);
		else if (sys_read(STDIN_FILENO, &byte, 1) <= 0)
			return true;
	}
	return false;
}

bool members_watch_stop(struct members *all, int stop_fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = STOP_TAG };

	return sys_epoll_ctl(all->epfd, EPOLL_CTL_ADD, stop_fd, &event) == 0;
}

bool members_new(struct members *all)
{
	all->epfd = sys_epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < sizeof(all->flood); i++)
		all->flood[i] = all->message[i % all->message_size];
	all->list = calloc(all->count, sizeof(*all->list));
	for (unsigned i = 0; all->list && i < all->count; i++)
		all->list[i].fd = -1;
	return all->epfd >= 0 && all->list;
}

void members_free(struct members *all)
{
	for (unsigned i = 0; i < all->opened; i++)
		close_member(&all->list[i]);
	free(all->list);
	sys_close(all->epfd);
}
