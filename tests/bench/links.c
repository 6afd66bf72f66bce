/* SPDX-License-Identifier: MIT */
/*
 * Opens connections, asks, counts answers. Must not wait anywhere but in epoll_wait(2), nor spend
 * more on a request than a good client would: its time is measured too. Called by load.c.
 */
#include "links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/sys.h"

enum { BATCH = 64, BUFFER = 64 * 1024 };
#define STOP_TAG UINT64_MAX

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

uint64_t links_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void watch(struct links *all, struct link *l, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = (uint64_t)(l - all->list) };
	int op = l->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (l->watched == events)
		return;
	if (sys_epoll_ctl(all->epfd, op, l->fd, &event) < 0)
		all->errors++;
	l->watched = events;
}

static void close_link(struct link *l)
{
	if (l->fd >= 0)
		sys_close(l->fd);
	l->fd = -1;
	l->watched = 0;
	l->waits = false;
}

/* The port is chosen by connect(2), so that one serves several destinations. */
static bool bind_source(int fd, unsigned host)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host) };
	int yes = 1;

	return sys_setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes)) == 0 &&
	       sys_bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0;
}

static bool dial(const struct links *all, struct link *l)
{
	const struct plan *plan = all->plan;
	unsigned sources = plan->sources;

	l->fd = sys_socket(plan->to.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return false;
	if (sources > 0 && !bind_source(l->fd, (unsigned)(l - all->list) % sources))
		return false;
	return sys_connect(l->fd, &plan->to.sa, plan->to.len) == 0 || errno == EINPROGRESS;
}

static void open_link(struct links *all, struct link *l);

static void lose(struct links *all, struct link *l)
{
	uint64_t lived_ms = (links_now_ns() - l->begun_ns) / 1000000;

	close_link(l);
	if (all->plan->role == ROLE_ASK) {
		all->errors++;
		open_link(all, l);
		return;
	}
	if (all->ended++ == 0 || lived_ms < all->first_end_ms)
		all->first_end_ms = lived_ms;
	if (lived_ms > all->last_end_ms)
		all->last_end_ms = lived_ms;
}

/* Sends what is left of the message. Whether the connection is made, only send can tell. */
static void push(struct links *all, struct link *l)
{
	const struct plan *plan = all->plan;

	while (l->sent < plan->message_size) {
		ssize_t n = sys_send(l->fd, plan->message + l->sent, plan->message_size - l->sent,
				     MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			watch(all, l, EPOLLIN | EPOLLOUT);
			return;
		}
		if (n < 0)
			break; /* epoll tells of the broken connection */
		l->sent += (size_t)n;
	}
	watch(all, l, EPOLLIN);
}

static void ask(struct links *all, struct link *l)
{
	answer_begin(&l->answer);
	l->sent = 0;
	l->waits = true;
	push(all, l);
}

static void open_link(struct links *all, struct link *l)
{
	const struct plan *plan = all->plan;

	l->begun_ns = links_now_ns();
	if (!dial(all, l)) {
		all->errors++;
		close_link(l);
	} else if (plan->role == ROLE_ASK || plan->message_size > 0) {
		ask(all, l);
	} else {
		watch(all, l, EPOLLIN | EPOLLOUT);
	}
}

static void count(struct links *all, struct link *l, uint64_t now_ns)
{
	all->requests++;
	histogram_add(&all->latency, now_ns - l->begun_ns);
	l->begun_ns = now_ns;
	l->waits = false;
}

static void answered(struct links *all, struct link *l)
{
	count(all, l, links_now_ns());
	if (all->plan->role == ROLE_HOLD) {
		all->settled++;
	} else if (all->plan->opens_each) {
		close_link(l);
		open_link(all, l);
	} else {
		ask(all, l);
	}
}

static void take(struct links *all, struct link *l)
{
	static char bytes[BUFFER];
	const struct plan *plan = all->plan;
	ssize_t got = sys_recv(l->fd, bytes, BUFFER, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0) {
		if (l->waits &&
		    answer_take(&l->answer, plan->answer, plan->expected, bytes, (size_t)got))
			answered(all, l);
	} else if (got == 0 && l->waits && plan->answer == ANSWER_END && l->answer.got > 0) {
		answered(all, l);
	} else {
		lose(all, l);
	}
}

static void serve(struct links *all, struct link *l, uint32_t events)
{
	if (events & EPOLLOUT) {
		if (l->waits) {
			push(all, l);
		} else if (!(events & (EPOLLERR | EPOLLHUP))) {
			all->settled++;
			watch(all, l, EPOLLIN);
		}
	}
	if (events & ~(uint32_t)EPOLLOUT)
		take(all, l);
}

void links_open_next(struct links *all)
{
	open_link(all, &all->list[all->opened++]);
}

void links_drip(struct links *all)
{
	struct link *l = &all->list[all->bytes % all->plan->connections];

	if (all->bytes++ < all->plan->connections)
		l->begun_ns = links_now_ns();
	if (l->fd >= 0 && sys_send(l->fd, "x", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		lose(all, l);
}

bool links_turn(struct links *all, int wait_ms)
{
	struct epoll_event batch[BATCH];
	int n = sys_epoll_wait(all->epfd, batch, BATCH, wait_ms);

	for (int i = 0; i < n; i++) {
		if (batch[i].data.u64 == STOP_TAG) {
			char byte;

			if (sys_read(STDIN_FILENO, &byte, 1) <= 0)
				return true;
		} else {
			serve(all, &all->list[batch[i].data.u64], batch[i].events);
		}
	}
	return false;
}

bool links_watch_stop(struct links *all, int stop_fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = STOP_TAG };

	return sys_epoll_ctl(all->epfd, EPOLL_CTL_ADD, stop_fd, &event) == 0;
}

void links_count_anew(struct links *all)
{
	all->requests = all->errors = 0;
	memset(&all->latency, 0, sizeof(all->latency));
}

bool links_new(struct links *all, const struct plan *plan)
{
	memset(all, 0, sizeof(*all));
	all->plan = plan;
	all->epfd = sys_epoll_create1(EPOLL_CLOEXEC);
	all->list = calloc(plan->connections, sizeof(*all->list));
	for (unsigned i = 0; all->list && i < plan->connections; i++)
		all->list[i].fd = -1;
	return all->epfd >= 0 && all->list;
}

void links_free(struct links *all)
{
	for (unsigned i = 0; i < all->opened; i++)
		close_link(&all->list[i]);
	free(all->list);
	sys_close(all->epfd);
}
