/* SPDX-License-Identifier: MIT */
/*
 * The policy of even load. It only reads the others' slots (and sets bits in their kick masks);
 * it makes no decision about sockets, which is worker/acceptor.c's business.
 */
#include "worker/balance.h"

#include <stdlib.h>

#include "base/sys.h"

enum {
	MARGIN = 4,   /* connections that a worker may have more than the lightest */
	DEAF_MS = 10, /* a kicked worker that has not turned its loop for so long is passed over */
	LAST_BIT = 63,
};

static uint32_t load32(const _Atomic uint32_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

bool balance_start(struct balance *b)
{
	b->kicks = calloc(b->peer_count, sizeof(*b->kicks));
	return b->kicks != NULL;
}

static bool is_ready_peer(const struct balance *b, unsigned i)
{
	return i != b->number && load32(&b->peers[i].state) == SLOT_READY;
}

bool balance_has_peer(const struct balance *b)
{
	for (unsigned i = 0; i < b->peer_count; i++)
		if (is_ready_peer(b, i))
			return true;
	return false;
}

static bool owns(const struct balance *b, unsigned i, unsigned socket, unsigned sockets)
{
	return load32(&b->peers[i].seat) % sockets == socket;
}

bool balance_owns(const struct balance *b, unsigned socket, unsigned sockets)
{
	return owns(b, b->number, socket, sockets);
}

bool balance_is_deputy(const struct balance *b, unsigned socket, unsigned sockets)
{
	unsigned lowest = b->number;

	for (unsigned i = 0; i < b->peer_count; i++) {
		if (!is_ready_peer(b, i))
			continue;
		if (owns(b, i, socket, sockets))
			return false;
		if (i < lowest)
			lowest = i;
	}
	return lowest == b->number;
}

/* A stopped or hanging worker looks light; it must not be fed. */
static bool is_deaf(const struct balance *b, unsigned i, int64_t now_ms)
{
	const struct kick *kick = &b->kicks[i];

	return kick->at_ms != 0 && now_ms - kick->at_ms >= DEAF_MS &&
	       atomic_load_explicit(&b->peers[i].turns, memory_order_relaxed) == kick->turns;
}

int balance_lighter(const struct balance *b, uint32_t live, int64_t now_ms)
{
	uint32_t least = UINT32_MAX;
	int lightest = -1;

	for (unsigned i = 0; i < b->peer_count; i++) {
		uint32_t load = load32(&b->peers[i].live);

		if (load < least && is_ready_peer(b, i) && !is_deaf(b, i, now_ms)) {
			least = load;
			lightest = (int)i;
		}
	}
	return lightest >= 0 && live >= least + MARGIN ? lightest : -1;
}

void balance_kick(struct balance *b, unsigned peer, unsigned listener, int64_t now_ms)
{
	static const uint64_t one = 1;
	struct slot *slot = &b->peers[peer];
	struct kick *kick = &b->kicks[peer];
	uint64_t turns = atomic_load_explicit(&slot->turns, memory_order_relaxed);

	if (kick->at_ms == 0 || kick->turns != turns)
		*kick = (struct kick){ turns, now_ms };
	atomic_fetch_or(&slot->kick_mask, UINT64_C(1)
						  << (listener < LAST_BIT ? listener : LAST_BIT));
	/* A full eventfd is as loud as it gets; the connection stays in the queue in any case. */
	(void)!sys_write(b->kick_fds[peer], &one, sizeof(one));
	cell_add(&b->peers[b->number].tally.accept_kicks_total, 1);
}

uint64_t balance_asked(struct balance *b)
{
	uint64_t count;

	(void)!sys_read(b->kick_fds[b->number], &count, sizeof(count));
	return atomic_exchange(&b->peers[b->number].kick_mask, 0);
}

bool balance_mask_has(uint64_t mask, unsigned listener)
{
	return mask >> (listener < LAST_BIT ? listener : LAST_BIT) & 1;
}
