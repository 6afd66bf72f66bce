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
 * Any such process can call shutdown(2), which ends listening in every process. A worker makes the
 * socket listen again; a unix socket cannot, and is left to a reload.
 */
#ifndef WORKER_GUARD_H
#define WORKER_GUARD_H

#include <stdbool.h>

#include "base/loop.h"
#include "net/listener.h"
#include "stats/metric.h"

struct guard {
	const struct loop *loop;
	metric_cell *mended; /* counts the repairs */
	int64_t said_ms;     /* when a repair was last logged; 0: never */
	bool is_alert;
	bool hears_timer; /* SIGALRM interrupts a blocking system call */
};

/*
 * Like accept4 on a non-blocking socket (the new one is non-blocking and close-on-exec). `fd` is
 * one of the listener's; is_asked means that a kick, not the kernel, reported it. The caller sets
 * loop and mended. In ALERT, and after the first kick, the guard owns the process's SIGALRM. Worker
 * only.
 */
int guard_accept(struct guard *guard, const struct listener *listener, int fd, bool is_asked,
		 struct addr *remote);

/*
 * After guard_accept failed: returns false, and logs, when the socket is shut down for good; makes
 * it listen again where that is possible. Keeps errno. Worker only.
 */
bool guard_listens(struct guard *guard, const struct listener *listener, int fd);

#endif
