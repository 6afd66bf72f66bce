/* SPDX-License-Identifier: MIT */
/* Counts crashes against addresses and looks up bans. It ends no connection and logs nothing. */
#include "net/ban.h"

#include <string.h>

enum { V4_BYTES = 4, V4_BITS = 32, V6_BITS = 64 };

static int64_t load_time(const _Atomic int64_t *value)
{
	return atomic_load_explicit(value, memory_order_acquire);
}

/* The key is an IPv4 address, or the /64 of an IPv6 address, which one client has. */
static bool key_of(const struct net *remote, struct net *key)
{
	return net_block(remote, V4_BITS, V6_BITS, key);
}

static void address_of(const struct net *remote, struct addr *addr)
{
	*addr = (struct addr){ .sa.sa_family = remote->family };
	if (remote->family == AF_INET)
		memcpy(&addr->in.sin_addr, remote->bytes, V4_BYTES);
	else
		memcpy(&addr->in6.sin6_addr, remote->bytes, sizeof(remote->bytes));
}

static bool is_exempt(const struct conf *conf, const struct net *remote)
{
	struct addr addr;

	address_of(remote, &addr);
	for (size_t i = 0; i < conf->exempt.count; i++)
		if (net_holds(&conf->exempt.nets[i], &addr))
			return true;
	return false;
}

/*
 * A refused address is kept before one that is only counted, and a later crash before an earlier
 * one.
 */
static bool matters_less(const struct ban *p, const struct ban *than, int64_t now_ms)
{
	bool is_refused = load_time(&p->until_ms) > now_ms;

	if (is_refused != (load_time(&than->until_ms) > now_ms))
		return !is_refused;
	return p->first_ms < than->first_ms;
}

/* Returns the address's place; otherwise the least important place, cleared for the address. */
static struct ban *place_of(struct bans *bans, const struct net *key, int64_t now_ms)
{
	struct ban *least = &bans->places[0];

	for (unsigned i = 0; i < BAN_PLACES; i++) {
		struct ban *p = &bans->places[i];

		if (p->first_ms != 0 && memcmp(&p->net, key, sizeof(*key)) == 0)
			return p;
		if (matters_less(p, least, now_ms))
			least = p;
	}
	atomic_store_explicit(&least->until_ms, 0, memory_order_release);
	least->net = *key;
	least->crashes = 0;
	least->first_ms = least->length_ms = 0;
	return least;
}

static int64_t next_length_ms(const struct ban *p, const struct conf *conf)
{
	int64_t most = conf->crash_penalty > BAN_MOST_MS ? conf->crash_penalty : BAN_MOST_MS;

	if (p->length_ms == 0)
		return conf->crash_penalty;
	return p->length_ms * 2 < most ? p->length_ms * 2 : most;
}

int64_t ban_note(struct bans *bans, const struct conf *conf, const struct net *remote,
		 int64_t now_ms)
{
	struct ban *p;
	struct net key;

	if (conf->crash_limit == 0 || !key_of(remote, &key) || is_exempt(conf, remote))
		return 0;
	p = place_of(bans, &key, now_ms);
	/* Workers can write here: a value that the master cannot have written is discarded. */
	if (p->first_ms <= 0 || p->first_ms > now_ms || p->length_ms < 0 ||
	    p->length_ms > conf->crash_penalty + BAN_MOST_MS ||
	    now_ms - p->first_ms > conf->crash_window + p->length_ms) {
		p->crashes = 0;
		p->length_ms = 0;
		p->first_ms = now_ms;
	}
	/* Crashes of connections already open do not lengthen the ban. */
	if (load_time(&p->until_ms) > now_ms || ++p->crashes < (uint32_t)conf->crash_limit)
		return 0;
	p->length_ms = next_length_ms(p, conf);
	p->first_ms = now_ms;
	p->crashes = (uint32_t)conf->crash_limit - 1; /* one more crash bans it again */
	atomic_store_explicit(&p->until_ms, now_ms + p->length_ms, memory_order_release);
	if (load_time(&bans->until_ms) < now_ms + p->length_ms)
		atomic_store_explicit(&bans->until_ms, now_ms + p->length_ms, memory_order_release);
	return p->length_ms;
}

/* True for a key made by key_of: a stray write must not ban all addresses. */
static bool is_key(const struct net *net)
{
	return (net->family == AF_INET && net->bits == V4_BITS) ||
	       (net->family == AF_INET6 && net->bits == V6_BITS);
}

bool ban_refuses(const struct bans *bans, const struct addr *remote, int64_t now_ms)
{
	if (load_time(&bans->until_ms) <= now_ms)
		return false;
	for (unsigned i = 0; i < BAN_PLACES; i++)
		if (load_time(&bans->places[i].until_ms) > now_ms && is_key(&bans->places[i].net) &&
		    net_holds(&bans->places[i].net, remote))
			return true;
	return false;
}
