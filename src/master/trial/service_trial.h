/* SPDX-License-Identifier: MIT */
/*
 * Tries in a child what a worker does before it serves: drops the privileges, and loads the
 * services that are files of their own. A file may crash, hang or do anything there: the child has
 * the rights of a worker and none of this process's descriptors, and what it has started is ended
 * with it. For the start, -t, and the child that tries a reload.
 */
#ifndef MASTER_TRIAL_SERVICE_TRIAL_H
#define MASTER_TRIAL_SERVICE_TRIAL_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf.h"
#include "config/identity.h"
#include "worker/service.h"

enum { SERVICE_TRIAL_MS = 10000 }; /* for all services together */

/*
 * Waits for the child, which is killed after SERVICE_TRIAL_MS. Sets facts, an array with an entry
 * for each listen of conf. Returns false with err, which names the listen's place and its file.
 * The calling process shares no memory with others that the child must not write to.
 */
bool service_trial_run(const struct conf *conf, const struct identity *identity,
		       struct service_facts *facts, struct err *err);

#endif
