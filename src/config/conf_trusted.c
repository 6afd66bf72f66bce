/* SPDX-License-Identifier: MIT */
/* Compares families of addresses alone: a host may have any address. It looks no name up. */
#include "config/conf_trusted.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/quote.h"

/* True when peers of the listener can have addresses of that family. A name may be of both. */
static bool has_family(const struct listen_conf *listen, sa_family_t family)
{
	const char *text = listen->address, *colon = strrchr(text, ':');
	char host[ADDR_TEXT];
	struct in6_addr number;

	if (family == AF_UNIX)
		return false;
	snprintf(host, sizeof(host), "%.*s", colon ? (int)(colon - text) : 0, text);
	if (inet_pton(AF_INET, host, &number) == 1)
		return family == AF_INET;
	if (host[0] != '[' || family == AF_INET6)
		return true;
	host[strcspn(host, "]%")] = '\0';
	/* the IPv6 wildcard takes IPv4 peers too, and so does an IPv4-mapped address */
	return inet_pton(AF_INET6, host + 1, &number) == 1 && !listen->v6only &&
	       (IN6_IS_ADDR_UNSPECIFIED(&number) || IN6_IS_ADDR_V4MAPPED(&number));
}

static bool has_peers(const struct listen_conf *listen)
{
	const struct net_list *trusted = &listen->trusted;

	/* on a unix socket every peer is trusted */
	if (strncmp(listen->address, "unix:", strlen("unix:")) == 0 ||
	    option_is_default(option_find(SECTION_listen, "trusted"), listen))
		return true;
	for (size_t i = 0; i < trusted->count; i++)
		if (has_family(listen, trusted->nets[i].family))
			return true;
	return false;
}

bool conf_trusted_check(const struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listen_conf *listen = &conf->listeners[i];
		char shown[QUOTE_TEXT];

		if (!listen->accept_proxy || has_peers(listen))
			continue;
		return err_set(err, CODE_CONFIG,
			       "%s: listen.trusted: no peer of %s can have such an address, so "
			       "that all would be refused (name the proxies, or leave it out)",
			       conf_listen_place(listen, "trusted"),
			       quote_show(listen->address, shown));
	}
	return true;
}
