/* SPDX-License-Identifier: MIT */
/*
 * A loaded service, as this program keeps it: the struct service that its connections have, and the
 * hooks that it calls. The public side is <prefork-srv/service.h>. A keeper loads it once; its
 * workers have copies.
 */
#ifndef SERVICES_MODULE_MODULE_H
#define SERVICES_MODULE_MODULE_H

#include <prefork-srv/service.h>

#include "stats/metric.h"
#include "worker/conn_record.h"
#include "worker/service.h"

struct prefork_listener {
	const struct listen_conf *conf;
	void *shared; /* NULL: nothing is shared */
	size_t shared_size;
};

enum {
	MODULE_REASON = SERVICE_NAME, /* bytes behind a connection's state, for the reason */
	MODULE_CELL_UNKNOWN = 0       /* else 1 + the cell of a counter; METRIC_NAMED + 1: none */
};

struct module {
	struct module *next;          /* that was loaded before it by this process */
	struct service service;       /* with trampolines for the hooks that there are */
	struct prefork_service hooks; /* a copy: what an older header lacks is NULL */
	struct prefork_listener listener;
	const struct scoreboard *board; /* NULL in a trial */
	char counters[SERVICE_COUNTERS][METRIC_COUNTER_NAME];
	uint8_t cells[METRIC_LISTENERS][SERVICE_COUNTERS]; /* of each counter, found at first use */
};

/* The module of a connection, or of a service that was loaded. */
static inline struct module *module_of(const struct conn *c)
{
	return (struct module *)((char *)(uintptr_t)c->service - offsetof(struct module, service));
}

/* The reason that the module gave, MODULE_REASON bytes behind its state; it may hold anything. */
static inline char *module_reason(const struct conn *c)
{
	return (char *)(uintptr_t)conn_state_const(c) + c->service->state_size - MODULE_REASON;
}

/*
 * What the module's prefork_refuse has said since it was last asked; "": nothing. Valid until the
 * next call of the module.
 */
const char *prefork_refusal(void);

#endif
