/* SPDX-License-Identifier: MIT */
/*
 * The turn of a loop: wait, read the clock, dispatch the events. It knows neither timers nor
 * connections and never reads from a descriptor.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/sys.h"

enum { TURN_MOST = 256 }; /* events per turn: bounds how long the timers wait */

/* Distinguishes a tag from a pointer to a watch: no user-space address has this bit. */
#define TAG_BIT (UINT64_C(1) << 63)

bool loop_open(struct loop *loop)
{
	loop->epfd = sys_epoll_create1(EPOLL_CLOEXEC);
	loop_read_clock(loop);
	loop->batch = NULL;
	loop->batch_count = 0;
	return loop->epfd >= 0;
}

void loop_close(struct loop *loop)
{
	if (loop->epfd >= 0)
		sys_close(loop->epfd);
	loop->epfd = -1;
}

bool loop_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = (uintptr_t)watch };

	return sys_epoll_ctl(loop->epfd, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
	struct epoll_event ignored = { 0 };

	sys_epoll_ctl(loop->epfd, EPOLL_CTL_DEL, watch->fd, &ignored);
	/* the owner may free it now, so the remaining events of this turn must not refer to it */
	for (int i = 0; i < loop->batch_count; i++) {
		if (loop->batch[i].data.u64 == (uintptr_t)watch)
			loop->batch[i].data.u64 = 0;
	}
}

bool loop_tag(struct loop *loop, int op, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event event = { .events = events, .data.u64 = tag | TAG_BIT };

	BUG_ON(tag & TAG_BIT);
	return sys_epoll_ctl(loop->epfd, op, fd, &event) == 0;
}

/* A handler may unwatch another watch of the same turn, whose event is then empty. */
static void call_watches(const struct loop *loop)
{
	for (int i = 0; i < loop->batch_count; i++) {
		struct watch *watch = (struct watch *)(uintptr_t)loop->batch[i].data.u64;

		if (!(loop->batch[i].data.u64 & TAG_BIT) && watch)
			watch->ready(watch->owner, loop->batch[i].events);
	}
}

static void hand_out_tags(const struct loop *loop)
{
	for (int i = 0; i < loop->batch_count; i++)
		if (loop->batch[i].data.u64 & TAG_BIT)
			loop->tagged(loop->owner, loop->batch[i].data.u64 & ~TAG_BIT,
				     loop->batch[i].events);
}

void loop_read_clock(struct loop *loop)
{
	loop->now_us = clock_us();
	loop->now_ms = loop->now_us / 1000;
}

bool loop_turn(struct loop *loop, int wait_ms)
{
	struct epoll_event batch[TURN_MOST];
	int count = sys_epoll_wait(loop->epfd, batch, TURN_MOST, wait_ms);

	if (count < 0 && errno != EINTR)
		return false;
	loop_read_clock(loop);
	loop->turn_us = loop->now_us;
	loop->batch = batch;
	loop->batch_count = count < 0 ? 0 : count;
	call_watches(loop);
	hand_out_tags(loop);
	loop->batch = NULL;
	loop->batch_count = 0;
	return true;
}
