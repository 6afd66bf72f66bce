/* SPDX-License-Identifier: MIT */
/*
 * Picks the oldest connections in one walk and writes them so that a reader can tell a half written
 * list. It sorts and allocates nothing else.
 */
#include "worker/drain_notes.h"

#include "worker/oldest.h"

static struct oldest find(const struct pool *pool)
{
	struct oldest o = { .wanted = SLOT_NOTES };

	for (uint32_t i = 0; pool->live > 0 && i < pool->arena->head->conn_high; i++) {
		const struct conn *c = arena_conn(pool->arena, i);

		if (c->magic == CONN_MAGIC)
			oldest_consider(&o, i, c->opened_us);
	}
	return o;
}

static struct conn_note note_of(const struct pool *pool, const struct conn *c)
{
	return (struct conn_note){
		.remote = c->remote,
		.remote_port = c->remote_port,
		.state = c->state,
		.listener = (uint8_t)pool->listeners->list[c->listener].row,
		.opened_ms = c->opened_us / 1000,
		.active_ms = c->active_ms,
		.bytes_in = c->bytes_in,
		.bytes_out = c->bytes_out,
	};
}

/* Odd from here to end; one that died in between has left it odd. */
static uint32_t begin(struct conn_notes *notes)
{
	uint32_t odd = atomic_load_explicit(&notes->seq, memory_order_relaxed) | 1;

	atomic_store_explicit(&notes->seq, odd, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	return odd;
}

static void end(struct conn_notes *notes, uint32_t odd)
{
	atomic_store_explicit(&notes->seq, odd + 1, memory_order_release);
}

void dispatch_publish_notes(const struct pool *pool)
{
	struct conn_notes *notes = &pool->slot->notes;
	struct oldest o = find(pool);
	uint32_t odd = begin(notes);

	for (unsigned i = 0; i < o.count; i++)
		notes->list[i] = note_of(pool, arena_conn(pool->arena, o.list[i].index));
	atomic_store_explicit(&notes->count, o.count, memory_order_relaxed);
	end(notes, odd);
}

void dispatch_clear_notes(struct slot *slot)
{
	uint32_t odd = begin(&slot->notes);

	atomic_store_explicit(&slot->notes.count, 0, memory_order_relaxed);
	end(&slot->notes, odd);
}
