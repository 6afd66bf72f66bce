/* SPDX-License-Identifier: MIT */
/* What a worker knows of the limits of its listeners (worker/limit/limiter.h). Worker only. */
#ifndef WORKER_LIMIT_LIMIT_RULES_H
#define WORKER_LIMIT_LIMIT_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "config/conf_limit.h"
#include "net/listener.h"
#include "net/rate_limit.h"
#include "stats/limit_memory.h"
#include "stats/scoreboard.h"

/* The limits of one listener; all the listeners of a listen share them. */
struct limit_rule {
	bool is_on; /* it has any */
	bool has_sources;
	uint64_t key; /* of the count of its connections */
	struct limit_rates_row *row;
	struct rate_limit rate, source_rate;
};

struct limiter {
	const struct limit_memory *memory; /* NULL: no listener of this worker has a limit */
	const struct listener_set *listeners;
	const struct scoreboard *board;
	struct slot *slot; /* this worker's */
	unsigned number;   /* of the slot */
	struct limit_counts counts;
	struct limit_rule *rules; /* by listener */
	unsigned next_source;     /* the note of the slot to be written next */
};

/* Makes the rules. Returns false with errno set. Allocates; limit_rules_free frees. */
bool limit_rules_new(struct limiter *limiter);
void limit_rules_free(struct limiter *limiter);

static inline const struct listen_conf *limit_rules_conf(const struct limiter *limiter,
							 uint32_t listener)
{
	return limiter->listeners->list[listener].conf;
}

/* The key of the source of that listener that has the address; 0: it has none. */
uint64_t limit_rules_source(const struct limiter *limiter, uint32_t listener,
			    const struct net *remote, struct net *source);

#endif
