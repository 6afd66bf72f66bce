/* SPDX-License-Identifier: MIT */
/*
 * Counts who claims a descriptor. Its size depends on how many claims there are, not on the numbers
 * of descriptors, which may be as high as the system allows, or rubbish. For the recovery.
 */
#ifndef WORKER_FD_CLAIMS_H
#define WORKER_FD_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

struct claim {
	int fd;
	uint32_t count; /* 0: the place is free */
};

struct fd_claims {
	struct claim *table; /* NULL: none are counted */
	uint32_t mask;       /* its places are a power of two */
};

/* Room for so many descriptors. False with errno. Allocates; fd_claims_free frees. */
bool fd_claims_new(struct fd_claims *claims, uint32_t most);
void fd_claims_free(struct fd_claims *claims);

/* One more claims fd; reserved, it is somebody else's, and nobody's claim to it is good. */
void fd_claims_count(struct fd_claims *claims, int fd);
void fd_claims_reserve(struct fd_claims *claims, int fd);

/* True when fd was claimed once. */
bool fd_claims_is_sole(const struct fd_claims *claims, int fd);

#endif
