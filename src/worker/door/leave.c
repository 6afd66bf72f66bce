/* SPDX-License-Identifier: MIT */
/*
 * The states in which a worker leaves. The arena notes each first: a recovered worker goes on
 * there.
 */
#include "worker/door/leave.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proctitle.h"
#include "base/sys.h"
#include "worker/dispatch.h"

enum {
	NOTE_MS = 1000,
	/* of the time limit: for messages in progress, when no worker or client takes a turn */
	DRAIN_PART = 4,
};

void leave_set_state(const struct leave *l, enum slot_state state)
{
	static const uint64_t one = 1;

	atomic_store_explicit(&l->pool->slot->state, state, memory_order_release);
	accept_pause_tell_load(l->acceptors);
	(void)!sys_write(heritage_bell(l->heritage), &one, sizeof(one));
}

void leave_now(struct leave *l, enum close_reason reason)
{
	acceptors_close(l->acceptors);
	l->door->is_open = false;
	offer_end(&l->moving->offer); /* what another worker has is not this one's to end */
	dispatch_end_all(l->pool, reason);
	l->is_over = true;
}

static void give_up(void *owner)
{
	struct leave *l = owner;

	LOG(EVENT_shutdown_timed_out, LOG_NUM("connections", l->pool->limit.total));
	leave_now(l, CLOSE_shutdown_timeout);
}

static void publish_notes(void *owner)
{
	struct leave *l = owner;

	dispatch_publish_notes(l->pool);
	timer_set(l->alarms, &l->note.timer, l->pool->loop->now_ms + NOTE_MS);
}

void leave_prepare(struct leave *l)
{
	l->give_up = (struct alarm){ .fire = give_up, .owner = l };
	l->note = (struct alarm){ .fire = publish_notes, .owner = l };
}

/*
 * This worker was woken for connections that it has left in the queue, for a limit of their
 * listener, and no other one was: each one that accepts has to look. Like the receiver of a batch
 * it is woken by one byte (worker/door/door.c).
 */
static void pass_look_on(const struct leave *l)
{
	const struct heritage *h = l->heritage;

	for (unsigned i = 0; i < scoreboard_slots(h->board); i++) {
		int fd = i != heritage_slot(h) && scoreboard_state(h->board, i) == SLOT_READY ?
				 heritage_doorbell(h, &h->board->infos[i]) :
				 -1;

		if (fd >= 0)
			(void)!sys_send(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* From then on no worker of this slot accepts again. The arena may hold any value. */
static void begin_leaving(struct leave *l, enum arena_leaving how, int64_t give_up_ms)
{
	int64_t latest_ms = l->pool->loop->now_ms + l->heritage->conf->shutdown_timeout;
	bool was_limited = l->acceptors->is_limited;

	/* no worker gets more time than the option grants */
	if (give_up_ms > latest_ms)
		give_up_ms = latest_ms;
	arena_leave(l->pool->arena, how, give_up_ms);
	proctitle_set("prefork-srv: worker %u (%s)", l->heritage->number,
		      how == ARENA_MOVES ? "moving" : "draining");
	acceptors_close(l->acceptors);
	if (was_limited)
		pass_look_on(l);
	l->door->is_open = false;
	timer_set(l->alarms, &l->give_up.timer, give_up_ms);
}

static int64_t time_limit_ms(const struct leave *l)
{
	return timer_is_set(&l->give_up.timer) ?
		       l->give_up.timer.due_ms :
		       l->pool->loop->now_ms + l->heritage->conf->shutdown_timeout;
}

/* When the last part of the time limit begins. */
static int64_t last_part_ms(const struct leave *l)
{
	int64_t give_up_ms = l->give_up.timer.due_ms;

	return give_up_ms - (give_up_ms - l->pool->loop->now_ms) / DRAIN_PART;
}

static void move_until(struct leave *l, int64_t give_up_ms)
{
	begin_leaving(l, ARENA_MOVES, give_up_ms);
	leave_set_state(l, SLOT_MOVING);
	moving_leave(l->moving, last_part_ms(l));
}

static void drain_until(struct leave *l, int64_t give_up_ms)
{
	begin_leaving(l, ARENA_DRAINS, give_up_ms);
	leave_set_state(l, SLOT_DRAINING); /* from now on no batch is sent to this worker */
	door_close(l->door);
	l->pool->drain_begun_ms = l->pool->loop->now_ms;
	l->pool->drain_last_ms = last_part_ms(l);
	dispatch_drain(l->pool);
	publish_notes(l);
}

static enum slot_state state_of(const struct leave *l)
{
	return atomic_load_explicit(&l->pool->slot->state, memory_order_relaxed);
}

void leave_move(struct leave *l)
{
	if (state_of(l) == SLOT_READY)
		move_until(l, time_limit_ms(l));
}

void leave_drain(struct leave *l)
{
	if (l->pool->draining)
		return;
	if (getppid() != l->heritage->master_pid)
		LOG(EVENT_master_died, LOG_NUM("connections", l->pool->limit.total));
	if (l->moving->state == MOVING_LEAVING)
		moving_stop(l->moving); /* and then leave_moved */
	else
		drain_until(l, time_limit_ms(l));
}

/*
 * Without this, epoll reports the connections of other workers for as long as they live there; with
 * a call for each they would leave it one by one.
 */
static void renew_epoll(struct leave *l)
{
	if (l->pool->limit.total == 0)
		return;
	if (loop_renew(l->pool->loop))
		dispatch_watch_all(l->pool);
	else
		LOG(EVENT_worker_failed, LOG_STR("message", strerror(errno)));
}

void leave_moved(void *owner)
{
	struct leave *l = owner;

	if (l->pool->draining || l->is_over)
		return;
	renew_epoll(l);
	drain_until(l, time_limit_ms(l));
}

void leave_resume(struct leave *l)
{
	const struct arena_head *head = l->pool->arena->head;

	if (head->leaving == ARENA_MOVES)
		move_until(l, head->give_up_ms);
	else
		drain_until(l, head->give_up_ms);
}

void leave_step(struct leave *l)
{
	if (l->pool->draining && l->pool->limit.total == 0)
		l->is_over = true;
}
