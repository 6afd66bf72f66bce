/* SPDX-License-Identifier: MIT */
/*
 * The attacks of a compromised worker on the rest of the server. Only in a build made with
 * --enable-faults.
 */
#ifndef SERVICES_EVIL_H
#define SERVICES_EVIL_H

#include <stddef.h>
#include <stdint.h>

#include "worker/heritage.h"

/* When an attack ends, and its result for the answer. */
struct attempt {
	int64_t until_ms; /* clock_ms() */
	const void *own;  /* in this worker's arena, which is spared */
	unsigned long tried, succeeded;
};

/* One attack, repeated until the time is over. */
struct evil_attack {
	const char *word;
	void (*attempt)(struct attempt *attempt);
};
extern const struct evil_attack evil_attacks[];
extern const unsigned evil_attack_count;

/* The attack "rights". */
void evil_rights(struct attempt *attempt);

/* The heritage of the worker; NULL until its service is prepared. */
extern const struct heritage *evil_heritage;

/* The attacks on doors (evil_door.c, evil_door_notes.c). */
void evil_door_garbage(struct attempt *attempt);
void evil_door_forged(struct attempt *attempt);
void evil_door_halves(struct attempt *attempt);
void evil_door_rights(struct attempt *attempt);
void evil_door_notes(struct attempt *attempt);
void evil_door_begun(struct attempt *attempt);
void evil_door_shut(struct attempt *attempt);

/* The attacks on the links of helpers (evil_link.c). */
void evil_link_garbage(struct attempt *attempt);
void evil_link_flood(struct attempt *attempt);
void evil_link_rights(struct attempt *attempt);
void evil_link_control(struct attempt *attempt);
void evil_link_crowd(struct attempt *attempt);
void evil_link_shut(struct attempt *attempt);

/* Another number with each call. */
uint64_t evil_random(void);

/* A full TCP socket whose last close waits for a minute; -1: none. */
int evil_lingering(void);

#endif
