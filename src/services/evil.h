/* SPDX-License-Identifier: MIT */
/*
 * What a worker that is taken over would try against the rest of the server. Only in a build made
 * with --enable-faults.
 */
#ifndef SERVICES_EVIL_H
#define SERVICES_EVIL_H

#include <stddef.h>
#include <stdint.h>

/* How long a deed goes on, and how it went, for the answer. */
struct attempt {
	int64_t until_ms; /* clock_ms() */
	const void *own;  /* in this worker's arena, which is spared */
	unsigned long tried, succeeded;
};

/* One thing to do, again and again until the time is over. */
struct evil_attack {
	const char *word;
	void (*attempt)(struct attempt *attempt);
};
extern const struct evil_attack evil_attacks[];
extern const unsigned evil_attack_count;

/* The deed "rights". */
void evil_rights(struct attempt *attempt);

#endif
