/* SPDX-License-Identifier: MIT */
/* Who may connect: a listener's allow and deny. Pure; any process. */
#ifndef WORKER_ACCESS_H
#define WORKER_ACCESS_H

#include <stdbool.h>

#include "base/addr.h"
#include "core/conf.h"

/* True when remote may connect: not in deny, and in allow unless that is empty. */
bool access_allows(const struct listen_conf *conf, const struct addr *remote);

#endif
