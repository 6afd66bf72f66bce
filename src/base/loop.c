/* SPDX-License-Identifier: MIT */
/*
 * The turn of a loop: wait, read the clock, dispatch the events. It knows neither timers nor
 * connections and never reads from a descriptor.
 */
#include "base/loop.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/sys.h"

/* Distinguishes a tag from the place of a watch. */
#define TAG_BIT (UINT64_C(1) << 63)

/* An event for nothing: no watch has this place. */
#define NO_PLACE UINT64_C(0)

enum { PLACES_MORE = 16 };

static void begin_loop(struct loop *loop, int epfd)
{
	loop->epfd = epfd;
	loop_read_clock(loop);
	loop->batch = NULL;
	loop->batch_count = 0;
	loop->places = NULL;
	loop->place_count = 0;
	loop->strays = 0;
}

bool loop_open(struct loop *loop)
{
	begin_loop(loop, sys_epoll_create1(EPOLL_CLOEXEC));
	return loop->epfd >= 0;
}

bool loop_adopt(struct loop *loop, int epfd)
{
	struct epoll_event event;

	begin_loop(loop, epfd);
	/* level-triggered: an event that is taken here is reported again */
	return sys_epoll_wait(epfd, &event, 1, 0) >= 0;
}

void loop_close(struct loop *loop)
{
	if (loop->epfd >= 0)
		sys_close(loop->epfd);
	loop->epfd = -1;
	free(loop->places);
	loop->places = NULL;
	loop->place_count = 0;
}

void loop_forget(const struct loop *loop, int fd)
{
	struct epoll_event ignored = { 0 };

	(void)sys_epoll_ctl(loop->epfd, EPOLL_CTL_DEL, fd, &ignored);
}

/*
 * The epoll has the descriptor already where it could not be forgotten: by this loop, or by a dead
 * worker's. A change would not do: exclusive events cannot be changed (epoll_ctl(2)).
 */
static bool add_watch(const struct loop *loop, const struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = watch->place };

	if (sys_epoll_ctl(loop->epfd, EPOLL_CTL_ADD, watch->fd, &event) == 0)
		return true;
	if (errno != EEXIST)
		return false;
	loop_forget(loop, watch->fd);
	return sys_epoll_ctl(loop->epfd, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

bool loop_renew(struct loop *loop)
{
	int fresh = sys_epoll_create1(EPOLL_CLOEXEC);
	bool done = fresh >= 0;

	if (done && fresh != loop->epfd) {
		done = sys_dup3(fresh, loop->epfd, O_CLOEXEC) >= 0;
		sys_close(fresh);
	}
	for (uint32_t i = 0; done && i < loop->place_count; i++)
		if (loop->places[i].watch)
			done = add_watch(loop, loop->places[i].watch, loop->places[i].events);
	return done;
}

/* Returns a free place, or false with errno set. */
static bool find_place(struct loop *loop, uint32_t *place)
{
	struct loop_place *more;

	for (*place = 0; *place < loop->place_count; (*place)++)
		if (!loop->places[*place].watch)
			return true;
	more = reallocarray(loop->places, loop->place_count + PLACES_MORE, sizeof(*more));
	if (!more)
		return false;
	memset(more + loop->place_count, 0, PLACES_MORE * sizeof(*more));
	loop->places = more;
	loop->place_count += PLACES_MORE;
	return true;
}

bool loop_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
	uint32_t place;

	if (!find_place(loop, &place))
		return false;
	watch->place = place + 1;
	if (!add_watch(loop, watch, events)) {
		watch->place = 0;
		return false;
	}
	loop->places[place] = (struct loop_place){ watch, events };
	return true;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
	if (watch->place == 0)
		return;
	loop_forget(loop, watch->fd);
	loop->places[watch->place - 1].watch = NULL;
	/* the owner may free it now, so the remaining events of this turn must not refer to it */
	for (int i = 0; i < loop->batch_count; i++) {
		if (loop->batch[i].data.u64 == watch->place)
			loop->batch[i].data.u64 = NO_PLACE;
	}
	watch->place = 0;
}

bool loop_tag(struct loop *loop, int op, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event event = { .events = events, .data.u64 = tag | TAG_BIT };

	BUG_ON(tag & TAG_BIT);
	return sys_epoll_ctl(loop->epfd, op, fd, &event) == 0;
}

/* A handler may unwatch another watch of the same turn, whose event is then empty. */
static void call_watches(struct loop *loop)
{
	for (int i = 0; i < loop->batch_count; i++) {
		uint64_t place = loop->batch[i].data.u64;
		struct watch *watch;

		if ((place & TAG_BIT) || place == NO_PLACE)
			continue;
		watch = place <= loop->place_count ? loop->places[place - 1].watch : NULL;
		if (watch)
			watch->ready(watch->owner, loop->batch[i].events);
		else
			loop->strays++;
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
	struct epoll_event batch[LOOP_EVENTS];
	int count = sys_epoll_wait(loop->epfd, batch, LOOP_EVENTS, wait_ms);

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
