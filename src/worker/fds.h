/* SPDX-License-Identifier: MIT */
/* Which inherited descriptors a worker keeps. Worker only. */
#ifndef WORKER_FDS_H
#define WORKER_FDS_H

#include <stdbool.h>

#include "worker/heritage.h"

/*
 * Closes every descriptor except the standard ones, those of log and access log, those the heritage
 * names for this worker (its listening sockets only `with_listeners`), and the `count` connections.
 * Returns false with errno set. Allocates.
 */
bool fds_close_others(const struct heritage *heritage, bool with_listeners, const int *connections,
		      unsigned count);

/* The same in a helper: its links' ends and its report_fd are left. Allocates. */
struct helper_heritage;
bool fds_keep_helper(const struct helper_heritage *heritage);

#endif
