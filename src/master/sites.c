/* SPDX-License-Identifier: MIT */
/* The keys lie in memory that outlives each generation. */
#include "master/sites.h"

#include "base/log.h"
#include "base/sys.h"
#include "config/conf_tls.h"
#include "master/trial/prestart_tls.h"
#include "tls/ticket_keys.h"

/* Shared with the workers; NULL: no generation has had TLS. */
static struct tls_ticket_keys *keys;

static bool has_tls(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf->listeners[i].tls.count > 0)
			return true;
	return false;
}

static bool make_keys(int64_t now_ms, struct err *err)
{
	struct tls_ticket_keys *fresh;

	if (keys)
		return true;
	fresh = sys_mmap(NULL, sizeof(*fresh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	if (fresh == MAP_FAILED)
		return err_errno(err, CODE_OSERR, "cannot map the keys of session tickets");
	(void)sys_madvise(fresh, sizeof(*fresh), MADV_DONTDUMP);
	if (!tls_ticket_keys_start(fresh, now_ms / 1000, err)) {
		(void)sys_munmap(fresh, sizeof(*fresh));
		return false;
	}
	keys = fresh;
	return true;
}

bool sites_take(struct tls_sites **sites, const struct conf *conf, int64_t now_ms, struct err *err)
{
	*sites = NULL;
	if (!has_tls(conf))
		return true;
	if (!make_keys(now_ms, err))
		return false;
	*sites = prestart_tls(conf, keys, err);
	if (*sites)
		prestart_warn_of_tls(*sites);
	return *sites != NULL;
}

void sites_step(const struct conf *conf, int64_t now_ms)
{
	int64_t rotation_ms = conf_tls_rotation_ms(conf);
	struct err err;
	bool rotated;

	if (!keys || rotation_ms == 0)
		return;
	if (!tls_ticket_keys_rotate(keys, now_ms / 1000, rotation_ms / 1000, &rotated, &err))
		LOG(EVENT_environment_warned, LOG_STR("message", err.text));
}

void sites_wipe(void)
{
	if (keys)
		tls_ticket_keys_wipe(keys);
}
