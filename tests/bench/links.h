/* SPDX-License-Identifier: MIT */
/*
 * The client's connections of one load run, on one epoll.
 *
 *   closed --open--> asking --answer whole: ask again, or open anew, or rest--> ...
 *   any --the server ends it, or an error--> closed
 */
#ifndef BENCH_LINKS_H
#define BENCH_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "histogram.h"
#include "plan.h"

struct link {
	int fd; /* -1: closed */
	uint32_t watched;
	bool waits;  /* for an answer */
	size_t sent; /* of the message */
	uint64_t begun_ns;
	struct answer answer;
};

struct links {
	const struct plan *plan;
	int epfd;
	struct link *list;
	unsigned opened;  /* so many of the list have been opened */
	unsigned settled; /* HOLD and SLOW: are there, and have their answer */
	uint64_t requests, errors;
	uint64_t ended;                     /* HOLD and SLOW: by the server, */
	uint64_t first_end_ms, last_end_ms; /* shortest and longest life of those */
	uint64_t bytes;                     /* SLOW: sent */
	struct histogram latency;
};

uint64_t links_now_ns(void);

/* False with errno. Allocates; links_free ends all. */
bool links_new(struct links *all, const struct plan *plan);
void links_free(struct links *all);

/* Opens the next one of the list. */
void links_open_next(struct links *all);

/* SLOW: sends one byte on the next in turn. */
void links_drip(struct links *all);

/* Waits at most wait_ms and serves what is ready; true when the watched stop_fd has ended. */
bool links_turn(struct links *all, int wait_ms);
bool links_watch_stop(struct links *all, int stop_fd);

/* Forgets what was counted so far. */
void links_count_anew(struct links *all);

#endif
