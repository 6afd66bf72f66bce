/* SPDX-License-Identifier: MIT */
/*
 * The access list of a listener: the addresses that may connect (allow, deny). Pure; any process.
 */
#ifndef NET_ACL_H
#define NET_ACL_H

#include <stdbool.h>

#include "base/addr.h"
#include "config/conf.h"

/* True when a block of the list, which is short, holds the address. */
static inline bool acl_list_holds(const struct net_list *list, const struct addr *remote)
{
	for (size_t i = 0; i < list->count; i++)
		if (net_holds(&list->nets[i], remote))
			return true;
	return false;
}

/* True when remote may connect: not in deny, and in allow unless that is empty. */
static inline bool acl_allows(const struct listen_conf *conf, const struct addr *remote)
{
	if (acl_list_holds(&conf->deny, remote))
		return false;
	return conf->allow.count == 0 || acl_list_holds(&conf->allow, remote);
}

#endif
