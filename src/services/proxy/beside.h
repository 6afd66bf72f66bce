/* SPDX-License-Identifier: MIT */
/* What the processes beside the workers have in common: names are looked up, servers checked. */
#ifndef SERVICES_PROXY_BESIDE_H
#define SERVICES_PROXY_BESIDE_H

#include <signal.h>

#include "services/proxy/upstream.h"
#include "worker/helper.h"

/*
 * Gives up privileges, and makes the upstreams: their list, *count long. The signals that tell the
 * process to leave end it at once from now on. Returns NULL with err.
 */
struct upstream **beside_start(const struct helper_heritage *heritage, unsigned *count,
			       struct err *err);

/* Reopens the log if SIGUSR1 has asked for it. */
void beside_settle(void);

extern const struct helper_job resolver_job, checker_job;

#endif
