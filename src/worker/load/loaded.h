/* SPDX-License-Identifier: MIT */
/*
 * The services that the listens of a slot really have: some stand for files, which the slot loads
 * once, before its first worker. Keeper or worker, in the child of the master's fork.
 */
#ifndef WORKER_LOAD_LOADED_H
#define WORKER_LOAD_LOADED_H

#include <stdbool.h>

#include "base/err.h"
#include "worker/service.h"

enum { LOADED_FDS = 64 };

struct loaded {
	const struct listen_conf *first; /* of the configuration */
	const struct service **list;     /* of each listen; NULL: nothing is loaded */
	int fds[LOADED_FDS];             /* opened by the loaded services, and kept open */
	unsigned fd_count;
};

/* What to load, as in the heritage. */
struct loaded_order {
	const struct conf *conf;
	const struct scoreboard *board;
	const struct service_facts *facts; /* NULL: there was no trial */
	void *const *shared;
};

/*
 * Loads the file of one listen, and notes in *facts what it is; what a refused one has started is
 * ended. leftover_watch must be on. Returns NULL with err, which lacks the listen's place: a file
 * that is not the one of `tried` (NULL: any is right), that changes meanwhile, leaves a process or
 * a thread, or fails.
 */
const struct service *loaded_load(const struct service_place *place,
				  const struct service_facts *tried, struct service_facts *facts,
				  struct err *err);

/*
 * Loads what the listens name, after worker_settle; `loaded`, zeroed at first, lasts as long as the
 * process. Returns false with err: a file that is not what its trial has found, or that fails.
 * Allocates.
 */
bool loaded_start(struct loaded *loaded, const struct loaded_order *order, struct err *err);

/* The service of a listen. NULL: nothing was loaded, and its name decides. */
static inline const struct service *loaded_service(const struct loaded *loaded,
						   const struct listen_conf *conf)
{
	return loaded && loaded->list ? loaded->list[conf - loaded->first] :
					service_find(conf->service);
}

#endif
