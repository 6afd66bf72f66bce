/* SPDX-License-Identifier: MIT */
/* The access list of a listener: which addresses may connect (allow, deny). Pure; any process. */
#ifndef NET_ACL_H
#define NET_ACL_H

#include <stdbool.h>

#include "base/addr.h"
#include "config/conf.h"

/* True when remote may connect: not in deny, and in allow unless that is empty. */
bool acl_allows(const struct listen_conf *conf, const struct addr *remote);

#endif
