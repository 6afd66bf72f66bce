/* SPDX-License-Identifier: MIT */
/*
 * The descriptors that a worker keeps of all that a fork gave it. The rest (sockets of other
 * generations, the master's epoll, what a library opened) is closed, so that nothing is held
 * open by accident.
 */
#ifndef WORKER_FDS_H
#define WORKER_FDS_H

#include <stdbool.h>

#include "worker/heritage.h"

/*
 * Closes every descriptor but standard ones, those of log and access log, those the heritage names
 * for this worker (its listening sockets only `with_listeners`), and the `count` connections. False
 * with errno. Allocates.
 */
bool close_fds_keep(const struct heritage *heritage, bool with_listeners, const int *connections,
		    unsigned count);

/*
 * Puts /dev/null in the place of standard input and output, where there is one: what is typed to
 * the server, and what it says to its user, is the master's business.
 */
void close_fds_leave_terminal(void);

/*
 * True when the descriptors of the set are sockets that listen, or did: a worker of the slot that
 * left by itself has closed them.
 */
bool close_fds_has_listeners(const struct listener_set *set);

#endif
