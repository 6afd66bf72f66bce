/* SPDX-License-Identifier: MIT */
/*
 * Addresses that are refused for a time because their connections were in hand in too many crashes:
 * a poisonous client cannot keep killing workers. A table of fixed size in the scoreboard; the
 * master writes it, workers ask it at each accept.
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
	int64_t length_ms; /* of the last refusal, which the next one doubles */
	_Atomic int64_t until_ms;
};

struct bans {
	_Atomic int64_t until_ms; /* when the last refusal ends: nothing to look up afterwards */
	struct ban places[BAN_PLACES];
};

/*
 * Counts a crash against the client's address. Returns for how many milliseconds the address is
 * refused from now on, or 0. Unix clients and exempt addresses are never counted. Master only.
 */
int64_t ban_note(struct bans *penalties, const struct conf *conf, const struct net *remote,
		 int64_t now_ms);

/* True when the address is to be refused now. Worker. */
bool ban_refuses(const struct bans *penalties, const struct addr *remote, int64_t now_ms);

#endif
