/* SPDX-License-Identifier: MIT */
/*
 * How much the workers of a generation have to do, as their slots tell: live connections, and
 * whether they are at it at all. Master only; changes nothing.
 */
#ifndef MASTER_LOAD_H
#define MASTER_LOAD_H

#include <stdint.h>

#include "master/generation.h"

struct load {
	unsigned workers; /* that are ready and are to stay */
	unsigned silent;  /* of these: not full, and their loop has not turned since */
	unsigned full;    /* of these: with worker_connections connections */
	uint64_t live;    /* connections of all of them */
	uint64_t fullest; /* of the one that has most */
};

/* Those whose seat is served by that socket, of so many of the listener (one serves all seats). */
struct load load_of(const struct generation *generation, unsigned socket, unsigned sockets,
		    int64_t since_ms);

/* The fullest one over the mean, in millionths: 1000000 is even, or nothing to share out. */
uint64_t load_balance_ratio(const struct load *load);

#endif
