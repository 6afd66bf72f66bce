/* SPDX-License-Identifier: MIT */
/*
 * Descriptors by their numbers: which a worker keeps of what it inherited, and which are claimed by
 * more than one record. The table's size depends on how many claims there are, not on the numbers
 * of descriptors, which may be as high as the system allows, or rubbish. Worker only.
 */
#ifndef WORKER_FDS_H
#define WORKER_FDS_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/heritage.h"

/*
 * Closes every descriptor but standard ones, those of log and access log, those the heritage names
 * for this worker (its listening sockets only `with_listeners`), and the `count` connections. False
 * with errno. Allocates.
 */
bool fds_close_others(const struct heritage *heritage, bool with_listeners, const int *connections,
		      unsigned count);

/*
 * Puts /dev/null in the place of standard input and output, where there is one: what is typed to
 * the server, and what it says to its user, is the master's business.
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
	struct claim *table; /* NULL: none are counted */
	uint32_t mask;       /* its places are a power of two */
};

/* Room for so many descriptors. False with errno. Allocates; fds_claims_free frees. */
bool fds_claims_new(struct fds_claims *claims, uint32_t most);
void fds_claims_free(struct fds_claims *claims);

/* One more claims fd; reserved, it is somebody else's, and nobody's claim to it is good. */
void fds_claims_count(struct fds_claims *claims, int fd);
void fds_claims_reserve(struct fds_claims *claims, int fd);

/* True when fd was claimed once. */
bool fds_claims_is_sole(const struct fds_claims *claims, int fd);

#endif
