/* SPDX-License-Identifier: MIT */
/*
 * A hash of 64 bits under a secret key: SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF"). Without the key nobody can choose inputs that fall into one bucket. Pure.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t halves[2];
};

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t size);

#endif
