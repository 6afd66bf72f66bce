/* SPDX-License-Identifier: MIT */
/*
 * Chooses among the slots of the scoreboard. worker/door/moving.c decides what the receiver gets.
 */
#include "worker/door/receiver.h"

static uint32_t live_of(const struct heritage *h, unsigned slot)
{
	return atomic_load_explicit(&h->board->slots[slot].live, memory_order_relaxed);
}

/* The workers of the current generation keep what they get; others leave, or may have to. */
static unsigned rank_of(const struct heritage *h, unsigned generation)
{
	if (generation == cell_get(&h->board->server.generation))
		return 2;
	return generation == atomic_load(&heritage_own_slot(h)->generation) ? 1 : 0;
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

/* The receivers of the highest rank. */
struct receivers {
	struct receiver list[SCOREBOARD_WORKERS];
	unsigned count, rank;
};

static void find_receivers(const struct heritage *h, struct receivers *all)
{
	all->count = all->rank = 0;
	for (unsigned i = 0; i < scoreboard_slots(h->board); i++) {
		struct receiver to;
		unsigned rank;

		if (!is_receiver(h, i, &to))
			continue;
		rank = rank_of(h, to.generation);
		if (rank > all->rank)
			all->count = 0;
		if (rank < all->rank || all->count == SCOREBOARD_WORKERS)
			continue;
		all->rank = rank;
		all->list[all->count++] = to;
	}
}

struct receiver_choice receiver_choose(const struct heritage *h,
				       const struct receiver_mask *refused, unsigned turn,
				       uint32_t slack)
{
	struct receiver_choice choice = { 0 };
	struct receivers all;
	uint32_t least = 0;

	find_receivers(h, &all);
	choice.ready = all.count;
	for (unsigned i = 0; i < all.count; i++) {
		const struct receiver *to = &all.list[(turn + i) % all.count];
		uint32_t live = live_of(h, to->slot);

		if (receiver_mask_has(refused, to->slot))
			continue;
		if (choice.usable++ > 0 && (live >= least || least - live <= slack))
			continue;
		least = live;
		choice.lightest = *to;
	}
	return choice;
}

void receiver_set_aside(struct receiver_standing *standing, const struct heritage *h, unsigned slot)
{
	receiver_mask_add(&standing->aside, slot);
	standing->turns[slot] = heritage_turns(h, slot);
}

void receiver_release(struct receiver_standing *standing, const struct heritage *h)
{
	for (unsigned i = 0; i < scoreboard_slots(h->board); i++)
		if (receiver_mask_has(&standing->aside, i) &&
		    heritage_turns(h, i) != standing->turns[i])
			receiver_mask_remove(&standing->aside, i);
}

void receiver_note_full(const struct heritage *h, struct receivers_full *full, unsigned slot)
{
	full->live[slot] = live_of(h, slot);
	receiver_mask_add(&full->mask, slot);
	if (full->live[slot] > full->places)
		full->places = full->live[slot];
}

static bool has_any(const struct receiver_mask *mask)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < SCOREBOARD_SLOTS / 64; i++)
		any |= mask->bits[i];
	return any != 0;
}

bool receiver_forget_full(struct receivers_full *full, struct receiver_mask *refused)
{
	bool were_any = has_any(&full->mask);

	for (unsigned i = 0; i < SCOREBOARD_SLOTS / 64; i++)
		refused->bits[i] &= ~full->mask.bits[i];
	*full = (struct receivers_full){ 0 };
	return were_any;
}

static bool is_current(const struct heritage *h, unsigned slot)
{
	return slot != heritage_slot(h) && scoreboard_state(h->board, slot) == SLOT_READY &&
	       rank_of(h, atomic_load(&h->board->infos[slot].generation)) == 2;
}

bool receiver_find_room(const struct heritage *h, struct receivers_full *full,
			struct receiver_mask *refused)
{
	bool found = false;

	if (!has_any(&full->mask))
		return false;
	for (unsigned i = 0; i < scoreboard_slots(h->board); i++) {
		if (!is_current(h, i) || live_of(h, i) >= full->places)
			continue;
		found = true;
		if (!receiver_mask_has(&full->mask, i) || live_of(h, i) >= full->live[i])
			continue;
		receiver_mask_remove(&full->mask, i);
		receiver_mask_remove(refused, i);
	}
	return found;
}
