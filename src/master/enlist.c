/* SPDX-License-Identifier: MIT */
/* Gives listeners and counters their places in the scoreboard. */
#include "master/enlist.h"

#include "base/log.h"

/* Counters that get no cell count nothing. */
static void name_counters(struct scoreboard *board, const struct generation *generation,
			  const struct listener *listener)
{
	size_t listen = (size_t)(listener->conf - generation->conf->listeners);

	if (!generation->modules.facts ||
	    scoreboard_name_counters(board, listener->row,
				     generation->modules.facts[listen].counters, SERVICE_COUNTERS))
		return;
	LOG(EVENT_environment_warned, LOG_STR("listen", listener->conf->address),
	    LOG_STR("message", "the modules of this listener have named so many counters since "
			       "the start that some have no place (a restart begins anew)"));
}

void enlist_listeners(struct scoreboard *board, const struct generation *generation)
{
	const struct listener_set *set = generation->listeners;
	char address[ADDR_TEXT];
	unsigned unlisted = 0;

	for (unsigned i = 0; set && i < set->count; i++) {
		struct listener *listener = &set->list[i];

		listener->row = scoreboard_enlist(board, addr_write(&listener->bound, address),
						  listener->conf->service);
		name_counters(board, generation, listener);
		listener->lent = &board->listeners[listener->row].lent;
		unlisted += listener->row == METRIC_LISTENERS - 1;
	}
	if (unlisted > 0)
		LOG(EVENT_environment_warned, LOG_NUM("listeners", unlisted),
		    LOG_STR("message",
			    "there were so many listeners since the start that these are "
			    "counted together, as other (a restart begins anew)"));
}

static void set_limits(struct listener_limits *limits, const struct listen_conf *conf)
{
	const int64_t values[LIMITS] = {
#define LIMIT(name, ending) conf->name,
#include "tables/limits.def"
	};

	for (unsigned i = 0; i < LIMITS; i++)
		atomic_store(&limits->values[i], (uint64_t)values[i]);
	atomic_store(&limits->on_limit, (uint32_t)conf->on_limit);
}

void enlist_limits(struct scoreboard *board, const struct generation *generation)
{
	const struct listener_set *set = generation->listeners;

	for (unsigned i = 0; set && i < set->count; i++)
		set_limits(&board->listeners[set->list[i].row].limits, set->list[i].conf);
}
