/* SPDX-License-Identifier: MIT */
/* Notes which connections stay. worker/door/moving.c moves the others. */
#include "worker/door/stays.h"

#include "worker/door/gather.h"

static struct pool *pool_of(const struct moving *m)
{
	return m->offer.door->pool;
}

static void keep_record(struct moving *m, const struct record *r, enum stay_reason reason)
{
	if (m->stays[r->index] != 0)
		return;
	m->stays[r->index] = (uint8_t)(reason + 1);
	m->staying++;
	if (m->state == MOVING_LEAVING)
		cell_add(&pool_of(m)->slot->tally.connections_not_moved_total[reason], 1);
}

void stays_keep_one(struct moving *m, uint32_t index, enum stay_reason reason)
{
	const struct record *r = arena_record(pool_of(m)->arena, index);

	if (record_is_client(r))
		keep_record(m, r, reason);
	gather_note_found(m);
}

void stays_keep_all(struct moving *m, const uint16_t *listener, enum stay_reason reason)
{
	const struct pool *pool = pool_of(m);

	for (uint32_t i = 0; i < pool->arena->head->record_high; i++) {
		struct record *r = arena_record(pool->arena, i);

		if (record_is_client(r) && (!listener || r->listener == *listener))
			keep_record(m, r, reason);
	}
}

void stays_keep_immovable(struct moving *m)
{
	const struct pool *pool = pool_of(m);

	for (uint16_t i = 0; i < pool->listeners->count; i++)
		if (pool->listeners->list[i].conf->tls.count > 0)
			stays_keep_all(m, &i, STAY_encrypted);
		else if (m->offer.door->keys[i].state == 0)
			stays_keep_all(m, &i, STAY_not_movable);
}

void stays_uphold(struct moving *m)
{
	const struct objection *o = &m->objection;
	uint16_t listener = (uint16_t)o->which;

	if (o->to == OBJECTION_LISTENER)
		stays_keep_all(m, &listener, o->reason);
	else if (o->to == OBJECTION_CONNECTION)
		stays_keep_one(m, o->which, o->reason);
	m->objection.to = OBJECTION_NONE;
}

void stays_refute(struct moving *m)
{
	const struct objection *o = &m->objection;
	uint32_t taken = o->to == OBJECTION_LISTENER ? m->listener : m->offer.list[0];

	if (o->to == OBJECTION_NONE || o->which != taken)
		return;
	receiver_mask_add(&m->standing.refused, o->slot);
	m->objection.to = OBJECTION_NONE;
	gather_as_usual(m);
}

void stays_hear(struct moving *m, struct objection said)
{
	bool is_second = m->objection.to == said.to && m->objection.which == said.which;

	m->objection = said;
	if (is_second) {
		stays_uphold(m);
		return;
	}
	receiver_release(&m->standing, m->offer.door->heritage);
	if (said.to == OBJECTION_CONNECTION)
		m->narrowing = (struct narrowing){ NARROWING_SEARCH, 1, 1 };
}
