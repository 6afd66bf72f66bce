/* SPDX-License-Identifier: MIT */
/*
 * The mechanism of accepting (overview: worker/accept/acceptor.h); worker/accept/balance.c decides
 * which worker is lighter. A worker never accepts a connection to close it for want of room: a
 * connection that it does not take stays in the kernel's queue or goes to another worker.
 */
#include "worker/accept/acceptor.h"

#include <stdlib.h>
#include <string.h>

#include "accesslog/accesslog.h"
#include "base/log.h"
#include "base/sys.h"
#include "net/admission.h"
#include "net/listen_socket.h"
#include "net/refusal.h"
#include "worker/dispatch.h"
#include "worker/limit/limit_note.h"

enum { REVIVE_MS = 50 }; /* between two attempts to listen again on a port that is in use */

static bool is_at_limit(const struct acceptor *a)
{
	const struct limiter *limiter = &a->all->pool->limiter;
	int64_t due_ms;

	return limiter_rule(limiter, a->index)->is_on &&
	       limiter_look(limiter, a->index, a->all->loop->now_us, &due_ms) != LIMIT_NONE;
}

/*
 * True when the next connection has a place. While another worker has room, no connection is ended
 * to make some: that worker is woken, once. No connection is ended either when another worker was
 * faster.
 */
static bool has_place(struct acceptor *a)
{
	struct acceptors *all = a->all;
	struct standing standing;

	if (kept_places_are_all(&all->kept, all->loop->now_ms))
		return false;
	if (conn_limit_has(&all->pool->limit, a->index))
		return true;
	if (!listen_socket_has_queue(a->watch.fd))
		return false;
	if (is_at_limit(a))
		return true; /* it will not be served: no connection is ended for it */
	accept_pause_log_full(a);
	standing = balance_look(&all->balance, BALANCE_FULL, all->loop->now_ms);
	if (a->has_passed && make_room_for(&all->room, all->pool, a->index))
		return true;
	a->has_passed = a->is_shared && accept_pause_pass(a, &standing);
	return !a->has_passed && make_room_for(&all->room, all->pool, a->index);
}

static struct listener_tally *tally_of(const struct acceptor *a)
{
	return &a->all->pool->slot->tally.listeners[acceptor_listener(a)->row];
}

static void end_accepted(const struct acceptor *a, int fd, const struct addr *remote,
			 enum close_reason reason)
{
	struct pool *pool = a->all->pool;

	(void)sys_close(fd);
	if (accesslog_is_on)
		conn_log_refused(&(struct conn_refused){
			acceptor_listener(a)->conf, reason, remote,
			++pool->arena->head->conn_number,
			atomic_load_explicit(&pool->slot->generation, memory_order_relaxed),
			pool->number });
	cell_add(&pool->slot->tally.connections_ended_total[reason], 1);
}

static void refuse_conn(const struct acceptor *a, int fd, const struct addr *remote,
			const char *reason, enum close_reason ending)
{
	LOG(EVENT_connection_refused, LOG_STR("listen", acceptor_listener(a)->conf->address),
	    LOG_STR("reason", reason));
	end_accepted(a, fd, remote, ending);
	cell_add(&tally_of(a)->connections_refused_total, 1);
}

/* The listener is at a limit, and its connections do not wait. */
static void limit_conn(const struct acceptor *a, int fd, const struct addr *remote,
		       enum limit limit)
{
	struct net net;

	LOG(EVENT_connection_refused, LOG_STR("listen", acceptor_listener(a)->conf->address),
	    LOG_STR("reason", limit_name(limit)));
	(void)net_from_addr(&net, remote);
	limit_note_reached(&a->all->pool->limiter, a->index, limit, &net, a->all->loop->now_ms);
	refusal_prepare(fd, acceptor_listener(a)->conf->on_limit == ON_LIMIT_RESET);
	end_accepted(a, fd, remote, limit_ending(limit));
}

/*
 * True when the connection may be served; otherwise it is closed. Behind a preface it is asked
 * later.
 */
static bool admit_conn(const struct acceptor *a, int fd, const struct addr *remote)
{
	const struct pool *pool = a->all->pool;
	const struct listen_conf *conf = acceptor_listener(a)->conf;
	const char *reason = NULL;

	if (!admission_trusts(conf, remote)) {
		refuse_conn(a, fd, remote, "untrusted", CLOSE_proxy_untrusted);
		return false;
	}
	if (!conf->accept_proxy && !pool->services[a->index]->preface)
		reason = admission_refusal(conf, pool->bans, remote, a->all->loop->now_ms);
	if (reason)
		refuse_conn(a, fd, remote, reason, CLOSE_refused);
	return !reason;
}

static void give_up_on(struct acceptor *a)
{
	a->is_lost = true;
	accept_pause_unwatch(a);
}

static void handle_failure(struct acceptor *a)
{
	struct acceptors *all = a->all;

	switch (listen_guard_check(&all->guard, acceptor_listener(a), a->watch.fd,
				   &a->waits_said_ms)) {
	case LISTEN_LOST:
		give_up_on(a);
		break;
	case LISTEN_WAITS:
		accept_pause_until(a, all->loop->now_ms + REVIVE_MS);
		break;
	case LISTENING:
		if (!listen_guard_is_passing(errno))
			accept_pause_exhausted(a);
		break;
	}
}

/* A place is claimed if no limit forbids it. Returns false when the connection was not served. */
static bool accept_conn(struct acceptor *a, bool is_asked, enum limit limit)
{
	struct acceptors *all = a->all;
	struct addr remote = { .len = sizeof(remote.un) };
	int fd = listen_guard_accept(&all->guard, acceptor_listener(a), a->watch.fd, is_asked,
				     &remote);

	if (fd < 0) {
		handle_failure(a);
		return false;
	}
	cell_add(&tally_of(a)->connections_accepted_total, 1);
	if (limit != LIMIT_NONE)
		limit_conn(a, fd, &remote, limit);
	if (limit != LIMIT_NONE || !admit_conn(a, fd, &remote))
		return false;
	dispatch_accept(all->pool, a->index, fd, &remote);
	accept_pause_tell_load(all);
	accept_pause_check_room(all);
	return true;
}

/* The claim comes first: a connection that has no room in its listener must stay in the queue. */
static void accept_one(struct acceptor *a, bool is_asked)
{
	struct pool *pool = a->all->pool;
	enum limit limit = LIMIT_NONE;
	int64_t due_ms;

	if (limiter_rule(&pool->limiter, a->index)->is_on)
		limit = limiter_claim(&pool->limiter, a->index, a->all->loop->now_us, &due_ms);
	if (limit != LIMIT_NONE && limiter_lets_wait(&pool->limiter, a->index, limit, 0)) {
		limit_note_reached(&pool->limiter, a->index, limit, NULL, a->all->loop->now_ms);
		accept_pause_until(a, due_ms);
	} else if (!accept_conn(a, is_asked, limit) && limit == LIMIT_NONE) {
		limiter_return(&pool->limiter, a->index);
	}
}

/* Moves it to the tail of the wait queue; epoll checks the socket's accept queue anew. */
static void rotate_listener(struct acceptor *a)
{
	if (!a->is_watching)
		return;
	accept_pause_unwatch(a);
	if (!accept_pause_watch(a))
		accept_pause_exhausted(a);
}

/*
 * Once only: in the next turn, which follows at once, this worker accepts if the connection is
 * still there.
 */
static bool leaves_chance(struct acceptor *a, const struct standing *standing)
{
	a->has_passed = !a->has_passed && accept_pause_pass(a, standing);
	if (a->has_passed)
		sched_yield(); /* the lighter worker may be waiting for this CPU */
	return a->has_passed;
}

static void accept_ready(void *owner, uint32_t events)
{
	struct acceptor *a = owner;
	struct acceptors *all = a->all;
	struct standing standing = { 0 };
	bool was_full = !conn_limit_has(&all->pool->limit, a->index);

	(void)events;
	if (!a->is_watching)
		return;
	if (!has_place(a)) {
		accept_pause_hold(a);
		return;
	}
	if (a->is_shared)
		standing = balance_look(&all->balance, all->pool->limit.total, all->loop->now_ms);
	if (leaves_chance(a, &standing))
		return;
	accept_one(a, false);
	if (balance_yields(&standing) || (a->is_shared && was_full))
		rotate_listener(
			a); /* where all workers are full, each ends one of its own in turn */
}

static void accept_kicked(void *owner, uint32_t events)
{
	struct acceptors *all = owner;
	uint64_t mask = balance_asked(&all->balance);

	(void)events;
	accept_pause_look_at_limits(all); /* the other worker has found that one has room */
	for (unsigned i = 0; i < all->count; i++) {
		struct acceptor *a = &all->list[i];

		if (a->is_watching && a->is_shared && (mask & hints_mask(a->index)) && has_place(a))
			accept_one(a, true);
	}
}

static void prepare_acceptor(struct acceptors *all, struct acceptor *a, unsigned index,
			     unsigned socket)
{
	const struct listener *listener = &all->pool->listeners->list[index];

	a->all = all;
	a->index = index;
	a->socket = socket;
	a->watch = (struct watch){ .fd = listener->fds[socket], .ready = accept_ready, .owner = a };
	a->is_shared = listener->fd_count == 1;
}

static void prepare_all(struct acceptors *all)
{
	const struct listener_set *listeners = all->pool->listeners;

	for (unsigned i = 0; i < listeners->count; i++)
		for (unsigned s = 0; s < listeners->list[i].fd_count; s++)
			prepare_acceptor(all, &all->list[all->count++], i, s);
}

bool acceptors_start(struct acceptors *all)
{
	unsigned sockets = listener_sockets(all->pool->listeners);

	all->list = calloc(sockets, sizeof(*all->list));
	if (!all->list || !balance_start(&all->balance))
		return false;
	all->guard.loop = all->loop;
	all->guard.mended = &all->pool->slot->tally.listeners_mended_total;
	all->kick = (struct watch){ .fd = balance_fd(&all->balance),
				    .ready = accept_kicked,
				    .owner = all };
	if (!loop_watch(all->loop, &all->kick, EPOLLIN))
		return false;
	prepare_all(all);
	accept_pause_start(all);
	return true;
}

void acceptors_close(struct acceptors *all)
{
	if (all->is_closed)
		return;
	accept_pause_stop(all);
	loop_unwatch(all->loop, &all->kick);
	for (unsigned i = 0; i < all->count; i++) {
		accept_pause_unwatch(&all->list[i]);
		(void)sys_close(all->list[i].watch.fd);
	}
}
