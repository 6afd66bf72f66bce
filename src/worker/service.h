/* SPDX-License-Identifier: MIT */
/*
 * The shape of a service: what a worker does for a client. A service reads c->in, writes c->out
 * and returns a verdict. It makes no system call on the connection's descriptor, keeps nothing
 * on the heap, and finds its own zeroed state in conn_state(c). Every hook may be NULL and then
 * has the default said beside it.
 */
#ifndef WORKER_SERVICE_H
#define WORKER_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/conf.h"
#include "stats/metric.h"

struct conn;
struct heritage;

enum verdict {
	MORE,   /* wait for more */
	FINISH, /* send what is in c->out, then end */
	ABORT   /* end now */
};

struct service {
	const char *name;
	size_t state_size; /* zeroed bytes kept with each connection, in the arena */
	/*
	 * Master, at load: false with err when the listener's options do not go together. NULL:
	 * they always do.
	 */
	bool (*check)(const struct listen_conf *conf, struct err *err);
	/*
	 * Worker, once for each listener, before it accepts: false when it cannot serve. The
	 * heritage lasts as long as the worker. NULL: nothing to do.
	 */
	bool (*init)(const struct heritage *heritage, const struct listen_conf *conf);
	/* A connection is there; c->out may be filled. NULL: MORE. */
	enum verdict (*open)(struct conn *c);
	/*
	 * New bytes in c->in, or c->in_ended. Leaves in c->in what it cannot use yet. NULL:
	 * drops all; FINISH at the end.
	 */
	enum verdict (*input)(struct conn *c);
	/* c->out is empty again. NULL: input once more. */
	enum verdict (*drained)(struct conn *c);
	/* Between messages: may be ended now. NULL: c->in and c->out are empty. */
	bool (*idle)(const struct conn *c);
	/*
	 * A worker has died, and this is what it left: true when the state is one that this service
	 * can have written. May be asked about any bytes. NULL: true.
	 */
	bool (*is_sound)(const struct conn *c);
	/* The connection ends; the descriptor is still open. NULL: nothing to do. */
	void (*close)(struct conn *c, enum close_reason reason);
};

/* The service of that name, or NULL. */
const struct service *service_find(const char *name);

#endif
