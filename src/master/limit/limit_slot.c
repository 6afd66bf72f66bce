/* SPDX-License-Identifier: MIT */
/* Clears counts that nobody stands for any more. */
#include "master/limit/limit_slot.h"

#include "config/conf_limit.h"

void limit_slot_prepare(const struct procs *procs, const struct generation *generation,
			unsigned number)
{
	bool has_memory = procs->limits && procs->limits->base;
	struct limit_counts counts;

	atomic_store_explicit(&generation->infos[number].has_limits,
			      has_memory && conf_limit_any(generation->conf), memory_order_relaxed);
	if (!has_memory || generation->members[number].keeper > 0)
		return;
	counts = limit_memory_counts(procs->limits, generation->first_slot + number);
	limit_counts_clear(&counts);
}
