/* SPDX-License-Identifier: MIT */
/*
 * Chooses among the slots of the scoreboard. worker/door/moving.c decides what the receiver gets.
 */
#include "worker/door/receiver.h"

static bool has(const struct receiver_mask *mask, unsigned slot)
{
	return (mask->bits[slot / 64] >> slot % 64 & 1) != 0;
}

/* The workers of the current generation keep what they get; others leave, or may have to. */
static unsigned rank_of(const struct heritage *h, unsigned generation)
{
	if (generation == cell_get(&h->board->server.generation))
		return 2;
	return generation == atomic_load(&h->peers[h->number].generation) ? 1 : 0;
}

static bool is_receiver(const struct heritage *h, unsigned slot, struct receiver *to)
{
	const struct slot_info *info = &h->board->infos[slot];

	if (slot == heritage_slot(h) || scoreboard_state(h->board, slot) != SLOT_READY)
		return false;
	*to = (struct receiver){ .slot = slot, .generation = atomic_load(&info->generation) };
	to->doorbell = heritage_doorbell(h, info);
	return to->doorbell >= 0;
}

static void consider(struct receiver_choice *choice, const struct receiver *to, uint32_t live)
{
	choice->usable++;
	if (choice->usable > 1 && live >= choice->least)
		return;
	choice->least = live;
	choice->lightest = *to;
}

struct receiver_choice receiver_choose(const struct heritage *h,
				       const struct receiver_mask *refused)
{
	struct receiver_choice choice = { 0 };
	unsigned best = 0;

	for (unsigned i = 0; i < scoreboard_slots(h->board); i++) {
		struct receiver to;

		if (!is_receiver(h, i, &to) || rank_of(h, to.generation) < best)
			continue;
		if (rank_of(h, to.generation) > best) {
			best = rank_of(h, to.generation);
			choice = (struct receiver_choice){ 0 };
		}
		choice.ready++;
		if (!has(refused, i))
			consider(&choice, &to,
				 atomic_load_explicit(&h->board->slots[i].live,
						      memory_order_relaxed));
	}
	return choice;
}
