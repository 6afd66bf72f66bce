/* SPDX-License-Identifier: MIT */
/* Checks the limits of listeners against each other. It reads no file and touches no socket. */
#include "config/conf_limit.h"

#include <inttypes.h>
#include <string.h>

#include "base/quote.h"
#include "config/conf_need.h"
#include "config/conf_program.h"

static bool check_needs(const struct listen_conf *listen, struct err *err)
{
	static const char sources[] = "max_per_source or rate_per_source";
	bool has_sources = conf_limit_has_sources(listen);
	const struct conf_need needs[] = {
		{ "rate_burst", "rate", listen->rate > 0 },
		{ "rate_per_source_burst", "rate_per_source", listen->rate_per_source > 0 },
		{ "source_prefix4", sources, has_sources },
		{ "source_prefix6", sources, has_sources },
		{ "on_limit", "a limit (max_connections, max_per_source, rate, rate_per_source)",
		  conf_limit_is_on(listen) },
	};

	return conf_need_check(listen, SECTION_listen, needs, sizeof(needs) / sizeof(*needs), err);
}

/* One source, or one worker, cannot reach what all together may not have. */
static bool check_order(const struct listen_conf *listen, const char *part, int64_t one,
			const char *of, const char *whole, int64_t all, struct err *err)
{
	if (one <= all || all == 0)
		return true;
	return err_set(err, CODE_CONFIG,
		       "%s: listen.%s: %" PRId64 " for %s is more than %s = %" PRId64
		       " allows for all of them (%s)",
		       conf_listen_place(listen, part), part, one, of, whole, all,
		       conf_listen_place(listen, whole));
}

static bool is_unix(const struct listen_conf *listen)
{
	return strncmp(listen->address, "unix:", 5) == 0;
}

static bool check_unix(const struct listen_conf *listen, struct err *err)
{
	const char *option = listen->max_per_source > 0 ? "max_per_source" : "rate_per_source";
	char shown[QUOTE_TEXT];

	if (!is_unix(listen) || listen->accept_proxy || !conf_limit_has_sources(listen))
		return true;
	return err_set(err, CODE_CONFIG,
		       "%s: listen.%s: clients of a unix socket have no address, so no source "
		       "(%s: listen %s without accept_proxy; max_connections and rate limit all of "
		       "them together)",
		       conf_listen_place(listen, option), option, listen->origin,
		       quote_show(listen->address, shown));
}

/* A limit that nobody looks at would be a trap. */
static bool check_program(const struct listen_conf *listen, struct err *err)
{
	const struct {
		const char *option;
		bool is_set;
	} rows[] = {
		{ "max_connections", listen->max_connections > 0 },
		{ "max_per_source", listen->max_per_source > 0 },
		{ "rate", listen->rate > 0 },
		{ "rate_per_source", listen->rate_per_source > 0 },
		{ "max_lifetime", listen->max_lifetime > 0 },
	};

	for (size_t i = 0; conf_program_owns(listen) && i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].is_set)
			return err_set(err, CODE_CONFIG,
				       "%s: listen.%s: has no effect, because the copies of a "
				       "program accept by themselves (%s: service = program; leave "
				       "it out)",
				       conf_listen_place(listen, rows[i].option), rows[i].option,
				       conf_listen_place(listen, "service"));
	return true;
}

static bool check_exec(const struct listen_conf *listen, struct err *err)
{
	if (listen->max_lifetime == 0 || strcmp(listen->service, "exec") != 0)
		return true;
	return err_set(err, CODE_CONFIG,
		       "%s: listen.max_lifetime: a program is never between messages (%s: service "
		       "= exec, whose option timeout ends programs)",
		       conf_listen_place(listen, "max_lifetime"),
		       conf_listen_place(listen, "service"));
}

static bool check_listen(const struct listen_conf *listen, struct err *err)
{
	return check_program(listen, err) && check_exec(listen, err) && check_unix(listen, err) &&
	       check_needs(listen, err) &&
	       check_order(listen, "max_per_source", listen->max_per_source, "one source",
			   "max_connections", listen->max_connections, err) &&
	       check_order(listen, "reserve", listen->reserve, "each worker", "max_connections",
			   listen->max_connections, err) &&
	       check_order(listen, "rate_per_source", listen->rate_per_source, "one source", "rate",
			   listen->rate, err);
}

bool conf_limit_any(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf_limit_is_on(&conf->listeners[i]))
			return true;
	return false;
}

bool conf_limit_check(const struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (!check_listen(&conf->listeners[i], err))
			return false;
	return true;
}
