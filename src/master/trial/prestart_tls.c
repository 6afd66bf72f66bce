/* SPDX-License-Identifier: MIT */
/* Reads, makes and tries. It keeps nothing. */
#include "master/trial/prestart_tls.h"

#include <time.h>

#include "base/log.h"
#include "tls/warm_up.h"

/* Frees them if they are not good. */
static struct tls_sites *keep_if(struct tls_sites *sites, bool is_good)
{
	if (is_good)
		return sites;
	tls_sites_free(sites);
	return NULL;
}

struct tls_sites *prestart_try_tls(const struct conf *conf, struct err *err)
{
	struct tls_sites *sites = tls_sites_new(conf, err);

	return keep_if(sites, sites && tls_warm_up_check(sites, err));
}

bool prestart_check_tls(const struct conf *conf, struct err *err)
{
	struct tls_sites *sites = prestart_try_tls(conf, err);

	tls_sites_free(sites);
	return sites != NULL;
}

struct tls_sites *prestart_tls(const struct conf *conf, const struct tls_ticket_keys *keys,
			       struct err *err)
{
	struct tls_sites *sites = tls_sites_new(conf, err);

	if (sites == NULL)
		return NULL;
	tls_sites_use_keys(sites, keys);
	return keep_if(sites, tls_warm_up(sites, err));
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
