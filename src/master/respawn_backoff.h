/* SPDX-License-Identifier: MIT */
/*
 * How long a slot waits after its worker died. Pure: it uses no process and no clock, only the
 * facts of the worker's life.
 */
#ifndef MASTER_RESPAWN_BACKOFF_H
#define MASTER_RESPAWN_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RESPAWN_BACKOFF_HEALTHY_MS =
		2000, /* a worker that lived so long did not fail at its start */
	RESPAWN_BACKOFF_FIRST_MS = 100,
	RESPAWN_BACKOFF_MOST_MS = 30000
};

/* The history of a slot's workers; zeros at first. */
struct respawn_backoff {
	unsigned early; /* early deaths in a row */
};

/*
 * Takes note of a death and returns the milliseconds until the next start: 0 after a healthy life
 * (long enough, or one that served a client), else 100, doubled by each further early death up to
 * 30,000.
 */
static inline int64_t respawn_backoff_ms(struct respawn_backoff *history, int64_t lived_ms,
					 bool progressed)
{
	int64_t delay_ms = RESPAWN_BACKOFF_FIRST_MS;

	if (progressed || lived_ms >= RESPAWN_BACKOFF_HEALTHY_MS) {
		history->early = 0;
		return 0;
	}
	for (unsigned i = 0; i < history->early && delay_ms < RESPAWN_BACKOFF_MOST_MS; i++)
		delay_ms *= 2;
	history->early++;
	return delay_ms < RESPAWN_BACKOFF_MOST_MS ? delay_ms : RESPAWN_BACKOFF_MOST_MS;
}

#endif
