/* SPDX-License-Identifier: MIT */
/* Which peers and clients are refused by their address. Pure; any process. */
#ifndef NET_ADMISSION_H
#define NET_ADMISSION_H

#include "net/acl.h"
#include "net/ban.h"

/* True when the peer may connect: where it sends PROXY headers, it must be a trusted one. */
static inline bool admission_trusts(const struct listen_conf *conf, const struct addr *peer)
{
	return !conf->accept_proxy || peer->sa.sa_family == AF_UNIX ||
	       acl_list_holds(&conf->trusted, peer);
}

/* Why the client of that address is refused ("access", "penalty"); NULL: it is served. */
static inline const char *admission_refusal(const struct listen_conf *conf, const struct bans *bans,
					    const struct addr *remote, int64_t now_ms)
{
	if (!acl_allows(conf, remote))
		return "access";
	return bans && ban_refuses(bans, remote, now_ms) ? "penalty" : NULL;
}

#endif
