/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that several owners claim: how often each one is claimed. The table's size depends on
 * the count of claims, not on the numbers of descriptors, which may be as high as the system
 * allows, or garbage. It makes no call on a descriptor. One process.
 */
#ifndef BASE_CLAIMS_H
#define BASE_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

struct claim {
	int fd;
	uint32_t count; /* 0: the place is free */
};

struct claims {
	struct claim *table; /* NULL: no claims are counted */
	uint32_t mask;       /* the number of places, a power of two, less 1 */
};

/* Room for `most` descriptors. Returns false with errno set. Allocates; claims_free frees. */
bool claims_new(struct claims *claims, uint32_t most);
void claims_free(struct claims *claims);

/* Counts one more claim to fd; reserves fd for another owner, so that no claim to it is valid. */
void claims_count(struct claims *claims, int fd);
void claims_reserve(struct claims *claims, int fd);

/* True when fd was claimed exactly once. */
bool claims_is_sole(const struct claims *claims, int fd);

#endif
