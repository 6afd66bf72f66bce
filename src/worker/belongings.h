/* SPDX-License-Identifier: MIT */
/*
 * The descriptors that a worker keeps of all that a fork gave it. The rest (sockets of other
 * generations, the master's epoll, what a library opened) is closed, so that nothing is held
 * open by accident.
 */
#ifndef WORKER_BELONGINGS_H
#define WORKER_BELONGINGS_H

#include <stdbool.h>

#include "worker/heritage.h"

/*
 * Closes every descriptor but standard ones, those of log and access log, those the heritage names for this worker (its
 * listening sockets only `with_listeners`), and the `count` connections. False with errno. Allocates.
 */
bool belongings_keep(const struct heritage *heritage, bool with_listeners, const int *connections,
		     unsigned count);

#endif
