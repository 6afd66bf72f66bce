/* SPDX-License-Identifier: MIT */
/*
 * The policy of respawning, apart from its mechanism: must not start, wait for or signal anything.
 */
#include "master/respawn.h"

int64_t respawn_delay_ms(struct respawn *history, int64_t lived_ms, bool progressed)
{
	int64_t delay_ms = RESPAWN_FIRST_MS;

	if (progressed || lived_ms >= RESPAWN_HEALTHY_MS) {
		history->early = 0;
		return 0;
	}
	for (unsigned i = 0; i < history->early && delay_ms < RESPAWN_MOST_MS; i++)
		delay_ms *= 2;
	history->early++;
	return delay_ms < RESPAWN_MOST_MS ? delay_ms : RESPAWN_MOST_MS;
}
