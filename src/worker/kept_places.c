/* SPDX-License-Identifier: MIT */
/* Compares what the old workers have with what the new ones have room for. */
#include "worker/kept_places.h"

enum { KEEP_MS = 2000 }; /* a move takes less, and what cannot move needs no place */

static uint32_t load32(const _Atomic uint32_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

/* Those of a worker that drains do not come. */
static bool may_come(const struct kept_places *kept, const struct slot *slot)
{
	uint32_t state = load32(&slot->state);

	return (state == SLOT_READY || state == SLOT_MOVING) &&
	       load32(&slot->generation) < load32(&kept->own->generation);
}

static uint64_t count_coming(const struct kept_places *kept)
{
	uint64_t coming = 0;

	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
		const struct slot *slot = &kept->board->slots[i];

		if (load32(&kept->board->infos[i].is_taken) != 0 && may_come(kept, slot))
			coming += load32(&slot->live);
	}
	return coming;
}

static uint64_t count_free(const struct kept_places *kept)
{
	uint64_t left = 0;

	for (unsigned i = 0; i < kept->peer_count; i++) {
		uint32_t live = load32(&kept->peers[i].live);

		if (load32(&kept->peers[i].state) == SLOT_READY && live < kept->places)
			left += kept->places - live;
	}
	return left;
}

void kept_places_start(struct kept_places *kept, int64_t now_ms)
{
	kept->until_ms = count_coming(kept) > 0 ? now_ms + KEEP_MS : 0;
}

bool kept_places_are_all(struct kept_places *kept, int64_t now_ms)
{
	uint64_t coming = now_ms < kept->until_ms ? count_coming(kept) : 0;

	if (coming == 0)
		kept->until_ms = 0;
	return coming > 0 && coming >= count_free(kept);
}
