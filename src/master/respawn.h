/* SPDX-License-Identifier: MIT */
/*
 * How long a slot waits after its worker died. Pure: it knows no process and no clock, only how the
 * worker's life went.
 */
#ifndef MASTER_RESPAWN_H
#define MASTER_RESPAWN_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RESPAWN_HEALTHY_MS = 2000, /* who lived so long did not fail at its start */
	RESPAWN_FIRST_MS = 100,
	RESPAWN_MOST_MS = 30000
};

/* What a slot remembers from one worker to the next; zeros at first. */
struct respawn {
	unsigned early; /* early deaths in a row */
};

/*
 * Takes note of a death and returns the milliseconds until the next start: 0 after a healthy life
 * (long enough, or one that served somebody), else 100, doubled by each further early death up to
 * 30,000.
 */
int64_t respawn_delay_ms(struct respawn *history, int64_t lived_ms, bool progressed);

#endif
