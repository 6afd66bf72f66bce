/* SPDX-License-Identifier: MIT */
/* Compares what the old workers have with what the new ones have room for. */
#include "worker/accept/kept_places.h"

enum {
	START_MS = 30000, /* until the old workers begin to move, at most: all new ones are ready */
	MOVE_MS = 2000,   /* a move takes less, and what cannot move needs no place */
};

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

/* Also notes when the first of them moves. */
static uint64_t count_coming(struct kept_places *kept, int64_t now_ms)
{
	uint64_t coming = 0;

	for (unsigned i = 0; i < scoreboard_slots(kept->board); i++) {
		const struct slot *slot = &kept->board->slots[i];

		if (load32(&kept->board->infos[i].is_taken) == 0 || !may_come(kept, slot))
			continue;
		coming += load32(&slot->live);
		if (!kept->is_moving && load32(&slot->state) == SLOT_MOVING) {
			kept->is_moving = true;
			kept->until_ms = now_ms + MOVE_MS;
		}
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
	kept->is_moving = false;
	kept->until_ms = now_ms + START_MS;
	if (count_coming(kept, now_ms) == 0)
		kept->until_ms = 0;
}

bool kept_places_are_all(struct kept_places *kept, int64_t now_ms)
{
	uint64_t coming = now_ms < kept->until_ms ? count_coming(kept, now_ms) : 0;

	if (coming == 0)
		kept->until_ms = 0;
	return coming > 0 && coming >= count_free(kept);
}
