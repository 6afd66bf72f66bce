/* SPDX-License-Identifier: MIT */
/* The limits of a listener as a whole: which there are, and which contradict each other. Pure. */
#ifndef CONFIG_CONF_LIMIT_H
#define CONFIG_CONF_LIMIT_H

#include <stdbool.h>

#include "config/conf.h"

/* True when the listener limits its connections or its rate; max_lifetime is no such limit. */
static inline bool conf_limit_is_on(const struct listen_conf *listen)
{
	return listen->max_connections > 0 || listen->max_per_source > 0 || listen->rate > 0 ||
	       listen->rate_per_source > 0;
}

/* True when it limits each source. */
static inline bool conf_limit_has_sources(const struct listen_conf *listen)
{
	return listen->max_per_source > 0 || listen->rate_per_source > 0;
}

/* True when a listener of conf has a limit. */
bool conf_limit_any(const struct conf *conf);

/*
 * Refuses limits that contradict each other, and those that have no effect. Returns false with err,
 * which names the places of both options.
 */
bool conf_limit_check(const struct conf *conf, struct err *err);

#endif
