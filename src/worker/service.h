/* SPDX-License-Identifier: MIT */
/*
 * The interface of a service: the work that a worker does for a client. A service reads c->in,
 * writes c->out and returns a verdict. It makes no system call on the connection's descriptor,
 * keeps nothing on the heap, and finds its own zeroed state in conn_state(c). Every hook may be
 * NULL and then has the default that its comment names.
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
	FINISH, /* send c->out, then end */
	ABORT   /* end now */
};

struct service {
	const char *name;
	size_t state_size; /* zeroed bytes kept with each connection, in the arena */
	/*
	 * Master, at load: returns false with err set when the listener's options conflict. NULL:
	 * they never do.
	 */
	bool (*check)(const struct listen_conf *conf, struct err *err);
	/*
	 * Worker, once for each listener, before it accepts: returns false when it cannot serve.
	 * The heritage lasts as long as the worker. NULL: nothing to do.
	 */
	bool (*init)(const struct heritage *heritage, const struct listen_conf *conf);
	/* A new connection; the service may fill c->out. NULL: MORE. */
	enum verdict (*open)(struct conn *c);
	/*
	 * New bytes in c->in, or c->in_ended. Leaves bytes that it cannot use yet in c->in. NULL:
	 * drops all; FINISH at the end.
	 */
	enum verdict (*input)(struct conn *c);
	/* c->out is empty again. NULL: calls input once more. */
	enum verdict (*drained)(struct conn *c);
	/*
	 * True between messages: the connection may be ended now. NULL: c->in and c->out are empty.
	 */
	bool (*idle)(const struct conn *c);
	/*
	 * After a worker's death: true when this service can have written the state. It may hold
	 * any bytes. NULL: true.
	 */
	bool (*is_sound)(const struct conn *c);
	/* The connection ends; the descriptor is still open. NULL: nothing to do. */
	void (*close)(struct conn *c, enum close_reason reason);
};

/* The service of that name, or NULL. */
const struct service *service_find(const char *name);

#endif
