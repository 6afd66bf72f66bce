/* SPDX-License-Identifier: MIT */
/* The connections of one process of a bench, from the first connect to the end of the run. */
#ifndef CLIENT_BENCH_BENCH_WORKER_H
#define CLIENT_BENCH_BENCH_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "client/bench/bench_connection.h"

/*
 * Makes the lanes of the process-th of plan->processes; opens none. All that a run needs is
 * allocated here. False with err (CODE_OSERR). lanes_free ends all.
 */
bool lanes_new(struct lane_set *all, const struct plan *plan, int process, struct outcome *outcome,
	       struct err *err);
void lanes_free(struct lane_set *all);

/*
 * Opens all connections, unless messages begin with that, and returns when each is made or has
 * failed once, or *stop is set. False with err.
 */
bool lanes_open(struct lane_set *all, const atomic_bool *stop, struct err *err);

/*
 * Sends and receives from the moment on until the run is over or *stop is set, and completes the
 * outcome. False with err.
 */
bool lanes_run(struct lane_set *all, int64_t start_ns, const atomic_bool *stop, struct err *err);

#endif
