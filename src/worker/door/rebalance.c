/* SPDX-License-Identifier: MIT */
/* The policy of moving for even load. worker/door/moving.c moves. */
#include "worker/door/rebalance.h"

enum {
	LOOK_MS = 50,
	/* a surplus beyond so many connections, and beyond such a part of the mean, is moved */
	SURPLUS_LEAST = 4,
	SURPLUS_PART = 32,
	MOVE_MOST = 256, /* connections in one look: 5,120 a second */
};

static uint32_t above(uint32_t load, uint32_t mean)
{
	return load > mean ? load - mean : 0;
}

/* So that one of the two is lighter afterwards than the other was. */
static bool is_lighter(uint32_t load, uint32_t own)
{
	return own > load && own - load > 1;
}

struct rebalance_share rebalance_find(const uint32_t *loads, unsigned count, unsigned own)
{
	struct rebalance_share share = { 0, own };
	uint64_t sum = 0, surplus = 0;
	uint32_t mean, mine;

	for (unsigned i = 0; i < count; i++) {
		sum += loads[i];
		if (loads[i] < loads[share.receiver])
			share.receiver = i;
	}
	mean = count > 0 ? (uint32_t)(sum / count) : 0;
	mine = count > 0 ? above(loads[own], mean) : 0;
	if (mine <= SURPLUS_LEAST || mine <= mean / SURPLUS_PART)
		return share;
	for (unsigned i = 0; i < count; i++)
		surplus += above(loads[i], mean);
	share.count = (uint32_t)((uint64_t)(mean - loads[share.receiver]) * mine / surplus);
	if (share.count > MOVE_MOST)
		share.count = MOVE_MOST;
	return share;
}

struct rebalance_share rebalance_find_full(const uint32_t *loads, unsigned count, unsigned own)
{
	struct rebalance_share share = { 0, own };
	unsigned lighter = 0, givers = 0, turn = 0, at;

	for (unsigned i = 0; i < count; i++) {
		lighter += is_lighter(loads[i], loads[own]);
		givers += loads[i] >= loads[own];
		turn += i < own && loads[i] >= loads[own];
	}
	if (lighter == 0)
		return share;
	at = turn % lighter;
	givers = (givers - 1 - at) / lighter + 1; /* those whose turn is this one's */
	for (unsigned i = 0, seen = 0; i < count && share.receiver == own; i++)
		if (is_lighter(loads[i], loads[own]) && seen++ == at)
			share.receiver = i;
	share.count = (loads[own] - loads[share.receiver]) / (givers + 1);
	if (share.count == 0)
		share.count = 1;
	if (share.count > MOVE_MOST)
		share.count = MOVE_MOST;
	return share;
}

static const struct pool *pool_of(const struct rebalance *rebalance)
{
	return rebalance->moving->offer.door->pool;
}

static bool is_full(const struct rebalance *rebalance)
{
	return conn_limit_is_full(&pool_of(rebalance)->limit);
}

/* What a full worker gives is replaced at once by others that have waited for a place. */
static uint32_t own_load(const struct rebalance *rebalance)
{
	return is_full(rebalance) ? pool_of(rebalance)->limit.total : rebalance->least;
}

/* The loads of the ready workers of this generation; *own is the place of this one. */
static unsigned collect_loads(const struct rebalance *rebalance, uint32_t *loads, unsigned *slots,
			      unsigned *own)
{
	const struct heritage *h = rebalance->moving->offer.door->heritage;
	unsigned first = heritage_slot(h) - h->number, count = 0;

	for (unsigned i = 0; i < h->peer_count; i++) {
		if (scoreboard_state(h->board, first + i) != SLOT_READY)
			continue;
		if (i == h->number)
			*own = count;
		slots[count] = first + i;
		loads[count++] = i == h->number ? own_load(rebalance) :
						  atomic_load_explicit(&h->peers[i].live,
								       memory_order_relaxed);
	}
	return count;
}

static void set_look(struct rebalance *rebalance)
{
	const struct pool *pool = pool_of(rebalance);

	rebalance->least = pool->limit.total;
	timer_set(rebalance->alarms, &rebalance->look.timer, pool->loop->now_ms + LOOK_MS);
}

static void look_around(void *owner)
{
	struct rebalance *rebalance = owner;
	uint32_t loads[SCOREBOARD_WORKERS];
	unsigned slots[SCOREBOARD_WORKERS], own = 0;
	unsigned count = collect_loads(rebalance, loads, slots, &own);
	struct rebalance_share share;

	if (rebalance->moving->offer.door->is_open && count > 1) {
		share = is_full(rebalance) ? rebalance_find_full(loads, count, own) :
					     rebalance_find(loads, count, own);
		if (share.count > 0)
			moving_share(rebalance->moving, slots[share.receiver], share.count);
	}
	if (rebalance->moving->offer.door->is_open)
		set_look(rebalance);
}

void rebalance_start(struct rebalance *rebalance)
{
	const struct conf *conf = rebalance->moving->offer.door->heritage->conf;

	rebalance->look = (struct alarm){ .fire = look_around, .owner = rebalance };
	if (conf->move_connections && conf->rebalance)
		set_look(rebalance);
}
