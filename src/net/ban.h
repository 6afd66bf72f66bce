/* SPDX-License-Identifier: MIT */
/*
 * Addresses that are refused for a time, because their connections were in hand in too many
 * crashes. This keeps one client from killing workers again and again. A table of fixed size in the
 * scoreboard; the master writes it, and workers read it at each accept.
 */
#ifndef NET_BAN_H
#define NET_BAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "config/conf.h"

enum { BAN_PLACES = 64, BAN_MOST_MS = 10 * 60 * 1000 };

struct ban {
	struct net net; /* an IPv4 address or an IPv6 /64 */
	uint32_t crashes;
	int64_t first_ms;  /* the earliest crash that counts; 0: the place is free */
	int64_t length_ms; /* of the last ban; the next one is twice as long */
	_Atomic int64_t until_ms;
};

struct bans {
	_Atomic int64_t until_ms; /* end of the last ban: after it no lookup is needed */
	struct ban places[BAN_PLACES];
};

/*
 * Counts a crash against the client's address. Returns the milliseconds for which the address is
 * refused from now on, or 0. Unix clients and exempt addresses are never counted. Master only.
 */
int64_t ban_note(struct bans *bans, const struct conf *conf, const struct net *remote,
		 int64_t now_ms);

/* True when the address is refused now. Worker only. */
bool ban_refuses(const struct bans *bans, const struct addr *remote, int64_t now_ms);

#endif
