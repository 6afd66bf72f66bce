/* SPDX-License-Identifier: MIT */
/*
 * An epoll(7) loop with one clock reading per turn. A few long-lived descriptors are watched with a
 * handler each; the many connections are distinguished by a tag, which goes to one function. Each
 * process makes its own loop: an inherited epoll would be shared with the parent.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct epoll_event;

struct watch {
	int fd;
	void (*ready)(void *owner, uint32_t events);
	void *owner;
};

struct loop {
	int epfd;
	int64_t now_us,
		now_ms;  /* clock_us() as last read, at a turn's start or later; the same in ms */
	int64_t turn_us; /* clock_us() when this turn's events arrived */
	void (*tagged)(void *owner, uint64_t tag, uint32_t events);
	void *owner;               /* argument of tagged */
	struct epoll_event *batch; /* the events of this turn; used by loop.c only */
	int batch_count;
};

/*
 * Makes the epoll; leaves tagged and owner alone. Returns false with errno set. loop_close closes
 * it.
 */
bool loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/* Reads the clock outside a turn's start: before the first turn, and within a long one. */
void loop_read_clock(struct loop *loop);

/*
 * Watches watch->fd for events until loop_unwatch, which must come before the close of the fd. The
 * watch belongs to the caller and must stay valid until then. After loop_unwatch its handler is not
 * called again, not even in this turn. loop_watch returns false with errno set.
 */
bool loop_watch(struct loop *loop, struct watch *watch, uint32_t events);
void loop_unwatch(struct loop *loop, struct watch *watch);

/*
 * Watches fd and passes tag (below 2^63) to loop->tagged. op is EPOLL_CTL_ADD, EPOLL_CTL_MOD or
 * EPOLL_CTL_DEL. Returns false with errno set. A tag of a closed descriptor may still arrive once
 * in the same turn.
 */
bool loop_tag(struct loop *loop, int op, int fd, uint32_t events, uint64_t tag);

/*
 * Waits at most wait_ms (-1: no limit) for events, reads the clock, and calls the handlers. Those
 * of watches come first, so that a listener or a signal never waits for the many connections.
 * Returns false with errno set only when epoll_wait fails for another reason than EINTR.
 */
bool loop_turn(struct loop *loop, int wait_ms);

#endif
