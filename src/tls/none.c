/* SPDX-License-Identifier: MIT */
/*
 * What stands for this folder in a program without TLS: no configuration has a section tls there,
 * so there is nothing to make.
 */
#include <stdlib.h>

#include "tls/context.h"
#include "tls/library.h"
#include "tls/warm_up.h"

bool tls_library_start(struct err *err)
{
	return err_set(err, CODE_CONFIG, "this program was built without TLS");
}

struct tls_sites {
	char none;
};

struct tls_sites *tls_sites_new(const struct conf *conf, struct err *err)
{
	struct tls_sites *sites = calloc(1, sizeof(*sites));

	(void)conf;
	if (sites == NULL)
		err_errno(err, CODE_OSERR, "cannot keep the contexts of TLS");
	return sites;
}

void tls_sites_free(struct tls_sites *sites)
{
	free(sites);
}

struct ssl_ctx_st *tls_sites_context(const struct tls_sites *sites, size_t listen_index)
{
	(void)sites;
	(void)listen_index;
	return NULL;
}

void tls_sites_use_keys(struct tls_sites *sites, const struct tls_ticket_keys *keys)
{
	(void)sites;
	(void)keys;
}

int64_t tls_sites_expiry(const struct tls_sites *sites, size_t tls_index)
{
	(void)sites;
	(void)tls_index;
	return 0;
}

bool tls_sites_check_times(const struct tls_sites *sites, const struct tls_sites *served,
			   int64_t now_s, struct err *err)
{
	(void)sites;
	(void)served;
	(void)now_s;
	(void)err;
	return true;
}

void tls_sites_warn(const struct tls_sites *sites, int64_t now_s, const struct tls_warner *warner)
{
	(void)sites;
	(void)now_s;
	(void)warner;
}

bool tls_warm_up_check(const struct tls_sites *sites, struct err *err)
{
	(void)sites;
	(void)err;
	return true;
}

bool tls_warm_up(const struct tls_sites *sites, struct err *err)
{
	(void)sites;
	(void)err;
	return true;
}

bool tls_ticket_keys_start(struct tls_ticket_keys *keys, int64_t now_s, struct err *err)
{
	(void)keys;
	(void)now_s;
	(void)err;
	return true;
}

bool tls_ticket_keys_rotate(struct tls_ticket_keys *keys, int64_t now_s, int64_t rotation_s,
			    bool *rotated, struct err *err)
{
	(void)keys;
	(void)now_s;
	(void)rotation_s;
	(void)err;
	*rotated = false;
	return true;
}

void tls_ticket_keys_wipe(struct tls_ticket_keys *keys)
{
	(void)keys;
}
