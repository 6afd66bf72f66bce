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
 * allocated here. False with err (CODE_OSERR). bench_worker_free ends all.
 */
bool bench_worker_new(struct bench_worker *worker, const struct bench_options *options, int process,
		      struct bench_stats *stats, struct err *err);
void bench_worker_free(struct bench_worker *worker);

/*
 * Opens all connections, unless messages begin with that, and returns when each is made or has
 * failed once, or *stop is set. False with err.
 */
bool bench_worker_open(struct bench_worker *worker, const atomic_bool *stop, struct err *err);

/*
 * Sends and receives from the moment on until the run is over or *stop is set, and completes the
 * outcome. False with err.
 */
bool bench_worker_run(struct bench_worker *worker, int64_t start_ns, const atomic_bool *stop,
		      struct err *err);

#endif
