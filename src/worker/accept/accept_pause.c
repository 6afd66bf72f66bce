/* SPDX-License-Identifier: MIT */
/*
 * Takes listeners out of epoll and puts them back (states: worker/accept/acceptor.h). It accepts no
 * connection.
 */
#include "worker/accept/acceptor.h"

#include <string.h>

#include "base/log.h"
#include "base/sys.h"

enum {
	RESUME_MS = 200, /* retry after EMFILE and similar errors */
	FULL_MS = 20,    /* between two checks for a free place */
	CALM_MS = 1000,  /* without another failure before the end of the pause is logged */
	ADOPT_MS = 250,  /* between two checks for sockets without an owner */
};

/* True when this worker accepts from the socket. */
static bool serves_socket(const struct acceptor *a)
{
	const struct balance *balance = &a->all->balance;
	unsigned sockets = acceptor_listener(a)->fd_count;

	return !a->is_lost && (balance_owns(balance, a->socket, sockets) ||
			       balance_is_deputy(balance, a->socket, sockets));
}

bool accept_pause_watch(struct acceptor *a)
{
	if (!a->is_watching)
		a->is_watching = loop_watch(a->all->loop, &a->watch, EPOLLIN | EPOLLEXCLUSIVE);
	return a->is_watching;
}

void accept_pause_unwatch(struct acceptor *a)
{
	if (a->is_watching)
		loop_unwatch(a->all->loop, &a->watch);
	a->is_watching = false;
}

static void set_resume(struct acceptors *all, int64_t after_ms)
{
	timer_set(all->alarms, &all->resume.timer, all->loop->now_ms + after_ms);
}

void accept_pause_tell_load(struct acceptors *all)
{
	bool is_full = all->is_paused || conn_limit_is_full(&all->pool->limit);

	balance_tell(&all->balance, is_full ? BALANCE_FULL : all->pool->limit.total);
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
bool accept_pause_pass(const struct acceptor *a, const struct standing *standing)
{
	return balance_pass(&a->all->balance, standing, a->index, a->all->loop->now_ms);
}

/*
 * Takes all listeners out of epoll. A wake-up that this worker leaves unused is passed on. woken:
 * the listener of one; NULL: there is none.
 */
static void pause_all(struct acceptors *all, const struct acceptor *woken)
{
	struct standing standing = balance_look(&all->balance, BALANCE_FULL, all->loop->now_ms);

	note_pause(all);
	all->is_paused = true;
	accept_pause_tell_load(all);
	for (unsigned i = 0; i < all->count; i++)
		accept_pause_unwatch(&all->list[i]);
	if (woken && woken->is_shared)
		(void)accept_pause_pass(woken, &standing);
}

/*
 * Watches exactly the sockets that this worker serves. If epoll has no memory, all pause and retry.
 */
static void watch_served(struct acceptors *all)
{
	for (unsigned i = 0; i < all->count; i++) {
		struct acceptor *a = &all->list[i];

		if (!serves_socket(a) || a->look_ms != 0) {
			accept_pause_unwatch(a);
		} else if (!accept_pause_watch(a)) {
			pause_all(all, a);
			set_resume(all, RESUME_MS);
			return;
		}
	}
}

void accept_pause_end_turn(struct acceptors *all)
{
	if (!is_held_up(all) || all->is_closed)
		return;
	cell_add(&all->pool->slot->tally.accept_paused_seconds_total,
		 (uint64_t)(all->loop->now_us - all->paused_us));
	all->paused_us = all->loop->now_us;
}

/* Those that are open come first: they ask again more often than that. */
static bool is_lacking(const struct acceptors *all)
{
	int64_t lacked_ms = all->pool->lacked_ms;

	return lacked_ms != 0 && all->loop->now_ms - lacked_ms < RESUME_MS;
}

static void resume_all(struct acceptors *all)
{
	accept_pause_end_turn(all);
	all->is_paused = false;
	all->is_held = false;
	accept_pause_tell_load(all);
	timer_cancel(all->alarms, &all->resume.timer);
	watch_served(all);
}

static void adopt_sockets(void *owner)
{
	struct acceptors *all = owner;

	if (!all->is_paused)
		watch_served(all);
	timer_set(all->alarms, &all->adopt.timer, all->loop->now_ms + ADOPT_MS);
}

static void resume_after_pause(void *owner)
{
	if (is_lacking(owner))
		set_resume(owner, RESUME_MS);
	else
		resume_all(owner);
}

/* Sets the alarm for the first look that is due. */
static void set_look(struct acceptors *all)
{
	int64_t first_ms = 0;

	for (unsigned i = 0; i < all->count; i++) {
		int64_t look_ms = all->list[i].look_ms;

		if (look_ms != 0 && (first_ms == 0 || look_ms < first_ms))
			first_ms = look_ms;
	}
	all->is_limited = first_ms != 0;
	if (all->is_limited)
		timer_set(all->alarms, &all->look.timer, first_ms);
	else
		timer_cancel(all->alarms, &all->look.timer);
}

/* is_all: also at those that are not due yet. */
static void look_at_limits(struct acceptors *all, bool is_all)
{
	const struct loop *loop = all->loop;

	for (unsigned i = 0; i < all->count; i++) {
		struct acceptor *a = &all->list[i];
		int64_t due_ms = 0;

		if (a->look_ms == 0 || (!is_all && a->look_ms > loop->now_ms))
			continue;
		if (limiter_look(&all->pool->limiter, a->index, loop->now_us, &due_ms) ==
		    LIMIT_NONE)
			due_ms = 0;
		a->look_ms = due_ms;
	}
	set_look(all);
	if (!all->is_paused)
		watch_served(all);
}

void accept_pause_look_at_limits(struct acceptors *all)
{
	if (all->is_limited && !all->is_closed)
		look_at_limits(all, true);
}

static void look_when_due(void *owner)
{
	look_at_limits(owner, false);
}

void accept_pause_until(struct acceptor *a, int64_t due_ms)
{
	a->look_ms = due_ms;
	accept_pause_unwatch(a);
	set_look(a->all);
}

/* Epoll checks the queue of a socket when it is added. */
void accept_pause_look_again(struct acceptors *all)
{
	if (all->is_closed)
		return;
	for (unsigned i = 0; i < all->count; i++)
		if (limiter_rule(&all->pool->limiter, all->list[i].index)->is_on)
			accept_pause_unwatch(&all->list[i]);
	if (!all->is_paused)
		watch_served(all);
}

void accept_pause_note_room(struct acceptors *all)
{
	uint32_t most = all->pool->arena->conn_most;

	all->freed_seen = all->pool->freed;
	accept_pause_tell_load(all);
	if (all->pool->limit.total < most - most / 10)
		all->is_full = false;
	accept_pause_look_at_limits(all);
	if (is_held_up(all) && !all->is_closed && !is_lacking(all))
		resume_all(all);
}

/* Logs once, however many retries fail. woken: by a connection that it leaves; NULL: none. */
static void pause_exhausted(struct acceptors *all, const struct acceptor *woken, int error)
{
	if (!all->is_exhausted)
		LOG(EVENT_accept_paused, LOG_STR("reason", strerror(error)),
		    LOG_NUM("connections", all->pool->limit.total));
	all->is_exhausted = true;
	cell_add(&all->pool->slot->tally.accept_pauses_total, 1);
	timer_set(all->alarms, &all->calm.timer, all->loop->now_ms + CALM_MS);
	pause_all(all, woken);
	set_resume(all, RESUME_MS);
}

void accept_pause_exhausted(struct acceptor *a)
{
	pause_exhausted(a->all, a, errno);
}

void accept_pause_note_lack(struct acceptors *all)
{
	all->lack_seen = all->pool->lacked_ms;
	if (!all->is_closed && !all->is_paused)
		pause_exhausted(all, NULL, all->pool->lack_error);
}

/*
 * Logged only after CALM_MS: when descriptors are short, one is free for a moment again and again.
 */
static void log_resumed(void *owner)
{
	struct acceptors *all = owner;

	all->is_exhausted = false;
	LOG(EVENT_accept_resumed, LOG_NUM("connections", all->pool->limit.total));
}

/* Logged once until a tenth of the places is free again, not once for each connection. */
void accept_pause_log_full(const struct acceptor *a)
{
	struct acceptors *all = a->all;
	const char *advice =
		all->room.is_on ? "connections that have rested longest make room: raise "
				  "worker_connections or workers" :
				  "new ones wait in the accept queue: raise worker_connections or "
				  "workers, or let idle ones make room (make_room)";

	if (!all->is_full)
		LOG(EVENT_worker_full, LOG_STR("listen", acceptor_listener(a)->conf->address),
		    LOG_NUM("connections", all->pool->limit.total), LOG_STR("advice", advice));
	all->is_full = true;
}

/* Takes only this listener out of epoll: another one may have reserved places left. */
void accept_pause_hold(struct acceptor *a)
{
	struct acceptors *all = a->all;

	note_pause(all);
	all->is_held = true;
	accept_pause_tell_load(all);
	accept_pause_unwatch(a);
	set_resume(all, FULL_MS);
}

void accept_pause_start(struct acceptors *all)
{
	all->freed_seen = all->pool->freed;
	all->resume.fire = resume_after_pause;
	all->calm.fire = log_resumed;
	all->adopt.fire = adopt_sockets;
	all->look.fire = look_when_due;
	all->resume.owner = all->calm.owner = all->adopt.owner = all->look.owner = all;
	accept_pause_tell_load(all);
	watch_served(all);
	if (all->count > all->pool->listeners->count)
		timer_set(all->alarms, &all->adopt.timer, all->loop->now_ms + ADOPT_MS);
}

void accept_pause_stop(struct acceptors *all)
{
	accept_pause_end_turn(all);
	all->is_closed = all->is_paused = true;
	timer_cancel(all->alarms, &all->resume.timer);
	timer_cancel(all->alarms, &all->calm.timer);
	timer_cancel(all->alarms, &all->adopt.timer);
	timer_cancel(all->alarms, &all->look.timer);
}
