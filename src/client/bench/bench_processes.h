/* SPDX-License-Identifier: MIT */
/*
 * The processes of a bench: each has its part of the connections, this one starts them together,
 * shows how they get on, and puts their outcomes together.
 */
#ifndef CLIENT_BENCH_BENCH_PROCESSES_H
#define CLIENT_BENCH_BENCH_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "client/bench/bench_options.h"
#include "client/bench/bench_stats.h"
#include "client/bench/cputime.h"

struct bench_result {
	struct bench_stats stats;   /* of all processes */
	struct cputime_used server; /* of each --server-pid and all that descend from it */
	int interrupted;            /* the signal that ended the run early; 0: none */
	bool has_begun;             /* false: the signal came while connections were made */
};

/*
 * Runs the plan in plan->processes processes, which end with this one. INT, TERM and HUP end the
 * run, not the process, and stay blocked. False with err: CODE_UNAVAILABLE or CODE_NOPERM when not
 * one connection could be made, CODE_USAGE for a --server-pid that is none, CODE_OSERR.
 */
bool bench_processes_run(const struct bench_options *options, struct bench_result *result,
			 struct err *err);

#endif
