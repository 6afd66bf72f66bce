/* SPDX-License-Identifier: MIT */
/*
 * Undoes what another process has done to a listening socket that it shares.
 *
 * Any of them can clear O_NONBLOCK, which belongs to the open file description (fcntl(2)); then an
 * accept waits where another worker was faster, and there is none that is told not to wait:
 *
 *   CALM --O_NONBLOCK was found cleared, and is set again--> ALERT, for good
 *
 * CALM costs one look at the flags for each accept. Who clears the flag after that look has a
 * worker wait only if another one is faster as well, and then until the watchdog ends it. In ALERT
 * a timer ends each accept that waits; and always one that a kick has asked for, since anybody can
 * ask where no connection is.
 *
 * Any of them can call shutdown(2), which ends listening in every process. A worker has the socket
 * listen again; a unix socket cannot, and is left to a reload.
 */
#ifndef WORKER_GUARD_H
#define WORKER_GUARD_H

#include <stdbool.h>

#include "base/loop.h"
#include "net/listener.h"
#include "stats/metric.h"

struct guard {
	const struct loop *loop;
	metric_cell *mended; /* counts the times that something was undone */
	int64_t said_ms;     /* when that was last logged; 0: never */
	bool is_alert;
	bool hears_timer; /* SIGALRM ends a system call that waits */
};

/*
 * As accept4 of a non-blocking socket (the new one is non-blocking and close-on-exec); `fd` is one
 * of the listener's, and is_asked says that a kick has led here, not the kernel. loop and mended
 * are set by the caller. In ALERT, and once asked, the process' SIGALRM is the guard's. Worker
 * only.
 */
int guard_accept(struct guard *guard, const struct listener *listener, int fd, bool is_asked,
		 struct addr *remote);

/*
 * After guard_accept failed: false, and logged, when the socket is shut down for good; one that
 * could be made to listen again does. Keeps errno. Worker only.
 */
bool guard_listens(struct guard *guard, const struct listener *listener, int fd);

#endif
