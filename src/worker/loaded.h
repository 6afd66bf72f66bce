/* SPDX-License-Identifier: MIT */
/*
 * The services that the listens of a slot really have: some stand for files, which the slot loads
 * once, before its first worker. Keeper or worker, in the child of the master's fork.
 */
#ifndef WORKER_LOADED_H
#define WORKER_LOADED_H

#include <stdbool.h>

#include "base/err.h"
#include "worker/service.h"

struct heritage;

enum { LOADED_FDS = 64 };

struct loaded {
	const struct listen_conf *first; /* of the configuration */
	const struct service **list;     /* of each listen; NULL: nothing is loaded */
	int fds[LOADED_FDS];             /* opened by the loaded services, and kept open */
	unsigned fd_count;
};

/*
 * Loads what the listens of the heritage name, after worker_settle, and makes the heritage point to
 * it; `loaded`, zeroed at first, lasts as long as the process. Returns false with err: a file that
 * is not what its trial has found, or that fails. Allocates.
 */
bool loaded_start(struct loaded *loaded, struct heritage *heritage, struct err *err);

/* The service of a listen. NULL: nothing was loaded, and its name decides. */
static inline const struct service *loaded_service(const struct loaded *loaded,
						   const struct listen_conf *conf)
{
	return loaded && loaded->list ? loaded->list[conf - loaded->first] :
					service_find(conf->service);
}

#endif
