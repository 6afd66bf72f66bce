/* SPDX-License-Identifier: MIT */
/*
 * The mechanism of accepting (the picture is in worker/acceptor.h); who is lighter is
 * worker/balance.c's business. It never accepts and then closes for want of room: what it does not
 * take stays in the kernel's queue or goes to another worker.
 */
#include "worker/acceptor.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "net/listen_socket.h"
#include "worker/acl.h"

enum {
	RESUME_MS = 200, /* retry after EMFILE and the like */
	FULL_MS = 20,    /* between two looks for a place */
	CALM_MS = 1000,  /* without another failure, until it is said that accepting goes on */
	ADOPT_MS = 250,  /* between two looks for sockets without an owner */
};

static const struct listener *listener_of(const struct acceptor *a)
{
	return &a->all->pool->listeners->list[a->index];
}

static struct listener_tally *tally_of(const struct acceptor *a)
{
	return &a->all->pool->slot->tally.listeners[listener_of(a)->row];
}

/* True when this worker is to accept from the socket. */
static bool serves(const struct acceptor *a)
{
	const struct balance *balance = &a->all->balance;
	unsigned sockets = listener_of(a)->fd_count;

	return !a->is_lost && (balance_owns(balance, a->socket, sockets) ||
			       balance_is_deputy(balance, a->socket, sockets));
}

static bool watch(struct acceptor *a)
{
	if (!a->is_watching)
		a->is_watching = loop_watch(a->all->loop, &a->watch, EPOLLIN | EPOLLEXCLUSIVE);
	return a->is_watching;
}

static void unwatch(struct acceptor *a)
{
	if (a->is_watching)
		loop_unwatch(a->all->loop, &a->watch);
	a->is_watching = false;
}

static void set_resume(struct acceptors *all, int64_t after_ms)
{
	timer_set(all->alarms, &all->resume.timer, all->loop->now_ms + after_ms);
}

void acceptors_tell(struct acceptors *all)
{
	bool is_full = all->is_paused || conn_limit_is_full(all->pool);

	balance_tell(&all->balance, is_full ? BALANCE_FULL : all->pool->live);
}

static bool is_held_up(const struct acceptors *all)
{
	return all->is_paused || all->is_held;
}

static void note_pause(struct acceptors *all)
{
	if (!is_held_up(all))
		all->paused_us = all->loop->now_us;
}

/* True when a lighter worker has been woken to accept. */
static bool pass(const struct acceptor *a, const struct standing *standing)
{
	return balance_pass(&a->all->balance, standing, a->index, a->all->loop->now_ms);
}

/* Takes all listeners out of epoll. A wake-up that this worker leaves unused is passed on. */
static void pause_all(struct acceptors *all, const struct acceptor *woken)
{
	struct standing standing = balance_look(&all->balance, BALANCE_FULL, all->loop->now_ms);

	note_pause(all);
	all->is_paused = true;
	acceptors_tell(all);
	for (unsigned i = 0; i < all->count; i++)
		unwatch(&all->list[i]);
	if (woken->is_shared)
		(void)pass(woken, &standing);
}

/* Watches what this worker serves, and nothing else. Without memory for epoll: all of it later. */
static void watch_served(struct acceptors *all)
{
	for (unsigned i = 0; i < all->count; i++) {
		struct acceptor *a = &all->list[i];

		if (!serves(a)) {
			unwatch(a);
		} else if (!watch(a)) {
			pause_all(all, a);
			set_resume(all, RESUME_MS);
			return;
		}
	}
}

void acceptors_end_turn(struct acceptors *all)
{
	if (!is_held_up(all) || all->is_closed)
		return;
	cell_add(&all->pool->slot->tally.accept_paused_seconds_total,
		 (uint64_t)(all->loop->now_us - all->paused_us));
	all->paused_us = all->loop->now_us;
}

static void resume_all(struct acceptors *all)
{
	acceptors_end_turn(all);
	all->is_paused = false;
	all->is_held = false;
	acceptors_tell(all);
	timer_cancel(all->alarms, &all->resume.timer);
	watch_served(all);
}

static void adopt(void *owner)
{
	struct acceptors *all = owner;

	if (!all->is_paused)
		watch_served(all);
	timer_set(all->alarms, &all->adopt.timer, all->loop->now_ms + ADOPT_MS);
}

static void resume_after_pause(void *owner)
{
	resume_all(owner);
}

void acceptors_room(struct acceptors *all)
{
	uint32_t most = all->pool->arena->conn_most;

	acceptors_tell(all);
	if (all->pool->live < most - most / 10)
		all->is_full = false;
	if (is_held_up(all) && !all->is_closed)
		resume_all(all);
}

/* Says so once, however often it is tried again in vain. */
static void pause_exhausted(struct acceptor *a)
{
	struct acceptors *all = a->all;

	if (!all->is_exhausted)
		LOG(EVENT_accept_paused, LOG_STR("reason", strerror(errno)),
		    LOG_NUM("connections", all->pool->live));
	all->is_exhausted = true;
	cell_add(&all->pool->slot->tally.accept_pauses_total, 1);
	timer_set(all->alarms, &all->calm.timer, all->loop->now_ms + CALM_MS);
	pause_all(all, a);
	set_resume(all, RESUME_MS);
}

/* Said when it has lasted: under want of descriptors one is free for a moment again and again. */
static void say_resumed(void *owner)
{
	struct acceptors *all = owner;

	all->is_exhausted = false;
	LOG(EVENT_accept_resumed, LOG_NUM("connections", all->pool->live));
}

/*
 * Some errors belong to the connection that went away meanwhile (accept(2)); the rest to this
 * process.
 */
static void handle_failure(struct acceptor *a)
{
	switch (errno) {
	case EAGAIN:
	case EINVAL: /* it was shut down and listens again */
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
		return;
	default:
		pause_exhausted(a);
	}
}

/* Once, until a tenth of the places is free again: else it would be a line for each connection. */
static void say_full(const struct acceptor *a)
{
	struct acceptors *all = a->all;
	const char *advice =
		all->pool->room.is_made ?
			"connections that have rested longest make room: raise "
			"worker_connections or workers" :
			"new ones wait in the accept queue: raise worker_connections or "
			"workers, or let idle ones make room (make_room)";

	if (!all->is_full)
		LOG(EVENT_worker_full, LOG_STR("listen", listener_of(a)->conf->address),
		    LOG_NUM("connections", all->pool->live), LOG_STR("advice", advice));
	all->is_full = true;
}

/*
 * True when the next connection has a place. As long as another worker has one, nobody's connection
 * ends for it: that worker is woken, once. Nor does one where another worker was faster.
 */
static bool has_place(struct acceptor *a)
{
	struct acceptors *all = a->all;
	struct standing standing;

	if (conn_limit_has(all->pool, a->index))
		return true;
	if (!listen_socket_has_queue(a->watch.fd))
		return false;
	say_full(a);
	standing = balance_look(&all->balance, BALANCE_FULL, all->loop->now_ms);
	if (a->has_passed && dispatch_make_room(all->pool, a->index))
		return true;
	a->has_passed = a->is_shared && pass(a, &standing);
	return !a->has_passed && dispatch_make_room(all->pool, a->index);
}

/* Takes the listener alone out of epoll: another may keep places of its own. */
static void hold(struct acceptor *a)
{
	struct acceptors *all = a->all;

	note_pause(all);
	all->is_held = true;
	acceptors_tell(all);
	unwatch(a);
	set_resume(all, FULL_MS);
}

static void give_up_on(struct acceptor *a)
{
	a->is_lost = true;
	unwatch(a);
}

static void accept_one(struct acceptor *a, bool is_asked)
{
	struct acceptors *all = a->all;
	struct addr remote = { .len = sizeof(remote.un) };
	int fd = guard_accept(&all->guard, listener_of(a), a->watch.fd, is_asked, &remote);

	if (fd < 0) {
		if (guard_listens(&all->guard, listener_of(a), a->watch.fd))
			handle_failure(a);
		else
			give_up_on(a);
		return;
	}
	cell_add(&tally_of(a)->connections_accepted_total, 1);
	if (!acl_admits(all->pool, a->index, all->bans, fd, &remote))
		return;
	dispatch_accept(all->pool, a->index, fd, &remote);
	acceptors_tell(all);
}

/* To the tail of the wait queue; and epoll looks at the socket's queue anew. */
static void rotate(struct acceptor *a)
{
	if (!a->is_watching)
		return;
	unwatch(a);
	if (!watch(a))
		pause_exhausted(a);
}

/* Once: in the next turn, which is at hand, the connection is accepted if it is still there. */
static bool leaves_chance(struct acceptor *a, const struct standing *standing)
{
	a->has_passed = !a->has_passed && pass(a, standing);
	if (a->has_passed)
		sched_yield(); /* the lighter one may be waiting for this processor */
	return a->has_passed;
}

static void ready(void *owner, uint32_t events)
{
	struct acceptor *a = owner;
	struct acceptors *all = a->all;
	struct standing standing = { 0 };
	bool was_full = !conn_limit_has(all->pool, a->index);

	(void)events;
	if (!a->is_watching)
		return;
	if (!has_place(a)) {
		hold(a);
		return;
	}
	if (a->is_shared)
		standing = balance_look(&all->balance, all->pool->live, all->loop->now_ms);
	if (leaves_chance(a, &standing))
		return;
	accept_one(a, false);
	if (balance_yields(&standing) || (a->is_shared && was_full))
		rotate(a); /* where all are full, each ends one of its own in turn */
}

static void kicked(void *owner, uint32_t events)
{
	struct acceptors *all = owner;
	uint64_t mask = balance_asked(&all->balance);

	(void)events;
	for (unsigned i = 0; i < all->count; i++) {
		struct acceptor *a = &all->list[i];

		if (a->is_watching && a->is_shared && (mask & peers_mask(a->index)) && has_place(a))
			accept_one(a, true);
	}
}

static void prepare(struct acceptors *all, struct acceptor *a, unsigned index, unsigned socket)
{
	const struct listener *listener = &all->pool->listeners->list[index];

	a->all = all;
	a->index = index;
	a->socket = socket;
	a->watch = (struct watch){ listener->fds[socket], ready, a };
	a->is_shared = listener->fd_count == 1;
}

static void prepare_all(struct acceptors *all)
{
	const struct listener_set *listeners = all->pool->listeners;

	for (unsigned i = 0; i < listeners->count; i++)
		for (unsigned s = 0; s < listeners->list[i].fd_count; s++)
			prepare(all, &all->list[all->count++], i, s);
}

bool acceptors_start(struct acceptors *all)
{
	unsigned sockets = listener_sockets(all->pool->listeners);

	all->list = calloc(sockets, sizeof(*all->list));
	if (!all->list || !balance_start(&all->balance))
		return false;
	all->guard.loop = all->loop;
	all->guard.mended = &all->pool->slot->tally.listeners_mended_total;
	all->resume.fire = resume_after_pause;
	all->calm.fire = say_resumed;
	all->adopt.fire = adopt;
	all->resume.owner = all->calm.owner = all->adopt.owner = all;
	all->kick = (struct watch){ balance_fd(&all->balance), kicked, all };
	if (!loop_watch(all->loop, &all->kick, EPOLLIN))
		return false;
	prepare_all(all);
	acceptors_tell(all);
	watch_served(all);
	if (sockets > all->pool->listeners->count)
		timer_set(all->alarms, &all->adopt.timer, all->loop->now_ms + ADOPT_MS);
	return true;
}

void acceptors_close(struct acceptors *all)
{
	if (all->is_closed)
		return;
	acceptors_end_turn(all);
	all->is_closed = all->is_paused = true;
	timer_cancel(all->alarms, &all->resume.timer);
	timer_cancel(all->alarms, &all->calm.timer);
	timer_cancel(all->alarms, &all->adopt.timer);
	loop_unwatch(all->loop, &all->kick);
	for (unsigned i = 0; i < all->count; i++) {
		unwatch(&all->list[i]);
		(void)sys_close(all->list[i].watch.fd);
	}
}
