/* SPDX-License-Identifier: MIT */
/* Counts over slots. It judges nobody: the watchdog does. */
#include "master/load.h"

enum { EVEN = 1000000 };

static void add(struct load *load, const struct slot *slot, const struct conf *conf,
		int64_t since_ms)
{
	uint64_t live = atomic_load_explicit(&slot->live, memory_order_relaxed);

	load->workers++;
	load->live += live;
	if (live > load->fullest)
		load->fullest = live;
	if (live >= (uint64_t)conf->worker_connections)
		load->full++;
	else if (atomic_load_explicit(&slot->heartbeat_ms, memory_order_relaxed) <= since_ms)
		load->silent++;
}

struct load load_of(const struct generation *generation, unsigned socket, unsigned sockets,
		    int64_t since_ms)
{
	struct load load = { 0 };

	for (unsigned i = 0; i < generation->capacity; i++) {
		const struct member *member = &generation->members[i];

		if (member_is_ready(member) && (sockets <= 1 || member->seat % sockets == socket))
			add(&load, &generation->slots[i], generation->conf, since_ms);
	}
	return load;
}

uint64_t load_balance_ratio(const struct load *load)
{
	if (load->live == 0)
		return EVEN;
	return load->fullest * load->workers * EVEN / load->live;
}
