/* SPDX-License-Identifier: MIT */
/* Looks an address up in a listener's lists, which are short: one after the other. */
#include "net/acl.h"

static bool list_holds(const struct net_list *list, const struct addr *remote)
{
	for (size_t i = 0; i < list->count; i++)
		if (net_holds(&list->nets[i], remote))
			return true;
	return false;
}

bool acl_allows(const struct listen_conf *conf, const struct addr *remote)
{
	if (list_holds(&conf->deny, remote))
		return false;
	return conf->allow.count == 0 || list_holds(&conf->allow, remote);
}
