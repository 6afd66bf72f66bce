/* SPDX-License-Identifier: MIT */
/*
 * An epoll(7) loop with one clock reading per turn. A few long-lived descriptors are watched with a
 * handler each; the many connections are distinguished by a tag, which goes to one function. A
 * process makes its own epoll, or takes one over that a dead process has left in a shared table of
 * descriptors: an event that it reports for something unknown is ignored and counted.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct epoll_event;

enum { LOOP_EVENTS = 256 }; /* of a turn at most: bounds how long the timers wait */

struct watch {
	int fd;
	void (*ready)(void *owner, uint32_t events);
	void *owner;
	uint32_t place; /* 1 + index in the loop's table; set by loop.c */
};

struct loop_place {
	struct watch *watch; /* NULL: free */
	uint32_t events;
};

struct loop {
	int epfd;
	int64_t now_us,
		now_ms;  /* clock_us() as last read, at a turn's start or later; the same in ms */
	int64_t turn_us; /* clock_us() when this turn's events arrived */
	void (*tagged)(void *owner, uint64_t tag, uint32_t events);
	void *owner;               /* argument of tagged */
	struct epoll_event *batch; /* the events of this turn; used by loop.c only */
	int batch_count;           /* of them */
	struct loop_place *places; /* the watches; grows with their number, and never shrinks */
	uint32_t place_count;
	uint32_t strays; /* events for something unknown, or that its owner found in vain */
};

/*
 * Makes the epoll, or takes over `epfd`, which belongs to the loop from then on; leaves tagged and
 * owner alone. Both return false with errno set; loop_adopt when epfd is no epoll. loop_close
 * closes it.
 */
bool loop_open(struct loop *loop);
bool loop_adopt(struct loop *loop, int epfd);
void loop_close(struct loop *loop);

/*
 * Puts a new epoll, with the watches but without tags, in the place of the old one, at the same
 * number. Returns false with errno set.
 */
bool loop_renew(struct loop *loop);

/* Removes a descriptor that an earlier process may have added, as a watch or with a tag. */
void loop_forget(const struct loop *loop, int fd);

/* Reads the clock outside a turn's start: before the first turn, and within a long one. */
void loop_read_clock(struct loop *loop);

/*
 * Watches watch->fd for events until loop_unwatch, which must come before the close of the fd. The
 * watch belongs to the caller and must stay valid until then. After loop_unwatch its handler is not
 * called again, not even in this turn. loop_watch returns false with errno set. It allocates unless
 * as many descriptors were watched before.
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
