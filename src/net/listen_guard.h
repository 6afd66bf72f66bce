/* SPDX-License-Identifier: MIT */
/*
 * Repairs a listening socket that another process with access to it has changed.
 *
 * Any such process can clear O_NONBLOCK, which belongs to the open file description (fcntl(2)).
 * Then an accept blocks when another worker was faster, and accept4 has no flag against that:
 *
 *   CALM --O_NONBLOCK was found cleared, and is set again--> ALERT, for good
 *
 * CALM costs one check of the flags for each accept. If a process clears the flag after that check,
 * a worker blocks only if another one is faster as well, and then until the watchdog kills it. In
 * ALERT a timer ends each accept that blocks. It always bounds an accept after a kick, since any
 * process can kick a worker when no connection is there.
 *
 * A socket that is lent to a program (struct listener) stays blocking, and each accept is bounded.
 *
 * Any such process can call shutdown(2), which ends listening in every process. A worker makes the
 * socket listen again; a unix socket cannot, and is left to a reload. The port may be in use: the
 * shutdown releases one that the system chose, and a connection that the listener accepted without
 * SO_REUSEADDR holds it as well. Or no interface may have the address. Then the worker tries again
 * later.
 */
#ifndef NET_LISTEN_GUARD_H
#define NET_LISTEN_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "net/listener.h"

struct listen_guard {
	const struct loop *loop;
	_Atomic uint64_t *mended; /* counts the repairs */
	int64_t said_ms;          /* when a repair was last logged; 0: never */
	bool is_alert;
	bool hears_timer; /* SIGALRM interrupts a blocking system call */
};

/*
 * Like accept4 on a non-blocking socket (the new one is non-blocking and close-on-exec). `fd` is
 * one of the listener's; is_asked means that a kick, not the kernel, reported it. The caller sets
 * loop and mended. In ALERT, and after the first kick, the guard owns the process's SIGALRM. Worker
 * only.
 */
int listen_guard_accept(struct listen_guard *guard, const struct listener *listener, int fd,
			bool is_asked, struct addr *remote);

/* What is left of a listening socket on which an accept failed. */
enum listen_state {
	LISTENING,
	LISTEN_WAITS, /* its port is in use, or its address away: the caller asks again later */
	LISTEN_LOST,  /* only a reload can open it again */
};

/*
 * After listen_guard_accept failed: makes a socket that was shut down listen again where that is
 * possible, and logs what it found. *said_ms is the socket's: when its wait was last logged; 0:
 * never. Keeps errno. Worker only.
 */
enum listen_state listen_guard_check(struct listen_guard *guard, const struct listener *listener,
				     int fd, int64_t *said_ms);

/*
 * True for an errno of accept4 that belongs to a connection that has gone away (accept(2)), and not
 * to this process.
 */
bool listen_guard_is_passing(int error);

/*
 * True when the descriptors of the set are sockets that listen, or did: no process that shares the
 * table of descriptors has closed them. Any process.
 */
bool listen_guard_has_all(const struct listener_set *set);

#endif
