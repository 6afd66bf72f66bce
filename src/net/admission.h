/* SPDX-License-Identifier: MIT */
/* Which clients are refused by their address. Pure; any process. */
#ifndef NET_ADMISSION_H
#define NET_ADMISSION_H

#include "net/acl.h"
#include "net/ban.h"

/* Why the client of that address is refused ("access", "penalty"); NULL: it is served. */
static inline const char *admission_refusal(const struct listen_conf *conf, const struct bans *bans,
					    const struct addr *remote, int64_t now_ms)
{
	if (!acl_allows(conf, remote))
		return "access";
	return bans && ban_refuses(bans, remote, now_ms) ? "penalty" : NULL;
}

#endif
