/* SPDX-License-Identifier: MIT */
/* Looks an address up in a listener's lists, which are short: one after the other. */
#include "worker/access.h"

static bool holds(const struct net_list *list, const struct addr *remote)
{
	for (size_t i = 0; i < list->count; i++)
		if (net_holds(&list->nets[i], remote))
			return true;
	return false;
}

bool access_allows(const struct listen_conf *conf, const struct addr *remote)
{
	if (holds(&conf->deny, remote))
		return false;
	return conf->allow.count == 0 || holds(&conf->allow, remote);
}
