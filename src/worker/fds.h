/* SPDX-License-Identifier: MIT */
/*
 * Descriptors by number: which inherited ones a worker keeps, and which are claimed by more than
 * one record. The table's size depends on the count of claims, not on the numbers of descriptors,
 * which may be as high as the system allows, or garbage. Worker only.
 */
#ifndef WORKER_FDS_H
#define WORKER_FDS_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/heritage.h"

/*
 * Closes every descriptor except the standard ones, those of log and access log, those the heritage
 * names for this worker (its listening sockets only `with_listeners`), and the `count` connections.
 * Returns false with errno set. Allocates.
 */
bool fds_close_others(const struct heritage *heritage, bool with_listeners, const int *connections,
		      unsigned count);

/*
 * Replaces standard input and output by /dev/null, where it exists: the terminal is the master's
 * alone.
 */
void fds_leave_terminal(void);

/*
 * True when the descriptors of the set are sockets that listen, or did: a worker of the slot that
 * left by itself has closed them.
 */
bool fds_has_listeners(const struct listener_set *set);

struct claim {
	int fd;
	uint32_t count; /* 0: the place is free */
};

struct fds_claims {
	struct claim *table; /* NULL: no claims are counted */
	uint32_t mask;       /* the number of places, a power of two, less 1 */
};

/* Room for `most` descriptors. Returns false with errno set. Allocates; fds_claims_free frees. */
bool fds_claims_new(struct fds_claims *claims, uint32_t most);
void fds_claims_free(struct fds_claims *claims);

/* Counts one more claim to fd; reserves fd for another owner, so that no claim to it is valid. */
void fds_claims_count(struct fds_claims *claims, int fd);
void fds_claims_reserve(struct fds_claims *claims, int fd);

/* True when fd was claimed exactly once. */
bool fds_claims_is_sole(const struct fds_claims *claims, int fd);

#endif
