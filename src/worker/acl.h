/* SPDX-License-Identifier: MIT */
/* Who may connect: a listener's allow and deny, and the addresses that crashes have cost it. */
#ifndef WORKER_ACL_H
#define WORKER_ACL_H

#include <stdbool.h>

#include "base/addr.h"
#include "config/conf.h"
#include "net/ban.h"
#include "worker/pool.h"

/* True when remote may connect: not in deny, and in allow unless that is empty. Pure. */
bool acl_allows(const struct listen_conf *conf, const struct addr *remote);

/*
 * True when the connection that was accepted from the listener may be served. Otherwise closes fd,
 * and counts and logs the refusal. Worker.
 */
bool acl_admits(const struct pool *pool, unsigned listener, const struct bans *penalties, int fd,
		const struct addr *remote);

#endif
