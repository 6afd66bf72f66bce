/* SPDX-License-Identifier: MIT */
/*
 * A listener with limits, and the memory and the slots by which several workers keep them. For
 * tests of the limits.
 */
#ifndef UNIT_LIMITED_H
#define UNIT_LIMITED_H

#include "config/conf.h"
#include "net/listener.h"
#include "stats/limit_memory.h"
#include "stats/scoreboard.h"
#include "worker/limit/limiter.h"

enum { LIMITED_WORKERS = 4, LIMITED_MS = 5000000 };

#define LIMITED_US (LIMITED_MS * INT64_C(1000))

struct limited {
	struct limit_memory memory;
	struct scoreboard *board;
	struct listen_conf conf;
	struct listener listener;
	struct listener_set set;
	struct limiter workers[LIMITED_WORKERS]; /* of limited_start_workers */
};

/* The options of the listener as name, value ... NULL. Its workers are ready, and have turned. */
void limited_begin(struct limited *l, ...) __attribute__((sentinel));
void limited_end(struct limited *l);

/* Starts the limiters of all workers, which limited_end frees; one of them claims a place now. */
void limited_start_workers(struct limited *l);
enum limit limited_claim(struct limited *l, unsigned worker);

/* The limiter of a worker, which counts from now on. limiter_stop frees it. */
struct limiter limited_worker(struct limited *l, unsigned number);

/* A record of a client of that address, such as 192.0.2.1, which was accepted at LIMITED_MS. */
struct record limited_record(const char *address);

#endif
