/* SPDX-License-Identifier: MIT */
/* Compares what comes with what is awaited, until the first answer was right. */
#include "client/bench/sizecheck.h"

#include <inttypes.h>
#include <stdio.h>

/* A part that has been one for so long may be the whole. */
enum { PART_NS = 400000000, LOOK_NS = 100000000 };

bool sizecheck_applies(const struct plan *plan)
{
	return !plan->target.is_http && plan->framing == FRAMING_RAW &&
	       plan->answer_size != UINT64_MAX;
}

static bool is_wanted(const struct lane_set *all)
{
	return all->outcome->answered == 0 && all->outcome->came == 0 &&
	       sizecheck_applies(all->plan);
}

static void note(struct lane_set *all, uint64_t came)
{
	/* the parent reads it meanwhile */
	__atomic_store_n(&all->outcome->came, came, __ATOMIC_RELAXED);
}

void sizecheck_look(struct lane_set *all)
{
	if (all->now_ns < all->look_ns || !is_wanted(all))
		return;
	all->look_ns = all->now_ns + LOOK_NS;
	for (int i = 0; i < all->count; i++) {
		const struct lane *lane = &all->list[i];

		if (lane->state != LANE_ASKING || lane->sent < all->plan->message.size ||
		    lane->answer.frame.got == 0 || all->now_ns - lane->since_ns < PART_NS)
			continue;
		note(all, lane->answer.frame.got);
		return;
	}
}

void sizecheck_excess(struct lane_set *all, const struct lane *lane, size_t excess)
{
	if (is_wanted(all))
		note(all, lane->answer.frame.got + excess);
}

void sizecheck_warn(const struct plan *plan, uint64_t came)
{
	fprintf(stderr,
		"prefork-client: %s: %" PRIu64 " byte%s came for an answer where %" PRIu64
		" %s awaited: give -a %" PRIu64 " if that is a whole one\n",
		plan->target.name, came, came == 1 ? "" : "s", plan->answer_size,
		plan->answer_size == 1 ? "is" : "are", came);
}
