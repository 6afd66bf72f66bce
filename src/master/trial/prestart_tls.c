/* SPDX-License-Identifier: MIT */
/* Reads, makes and warms up. It keeps nothing. */
#include "master/trial/prestart_tls.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "tls/warm_up.h"

static bool warm_up(struct tls_sites *sites, const struct tls_ticket_keys *keys, struct err *err)
{
	struct tls_ticket_keys own = { 0 };
	bool is_warm;

	if (keys == NULL && !tls_ticket_keys_start(&own, clock_ms() / 1000, err))
		return false;
	tls_sites_use_keys(sites, keys ? keys : &own);
	is_warm = tls_warm_up(sites, err);
	tls_sites_use_keys(sites, keys);
	tls_ticket_keys_wipe(&own);
	return is_warm;
}

struct tls_sites *prestart_tls(const struct conf *conf, const struct tls_ticket_keys *keys,
			       struct err *err)
{
	struct tls_sites *sites = tls_sites_new(conf, err);

	if (sites == NULL || conf->tls_count == 0 || warm_up(sites, keys, err))
		return sites;
	tls_sites_free(sites);
	return NULL;
}

bool prestart_check_tls(const struct conf *conf, struct err *err)
{
	struct tls_sites *sites = prestart_tls(conf, NULL, err);

	tls_sites_free(sites);
	return sites != NULL;
}

static void log_warning(void *context, const char *text)
{
	(void)context;
	LOG(EVENT_environment_warned, LOG_STR("message", text));
}

void prestart_warn_of_tls(const struct tls_sites *sites)
{
	static const struct tls_warner warner = { .tell = log_warning };

	tls_sites_warn(sites, time(NULL), &warner);
}
