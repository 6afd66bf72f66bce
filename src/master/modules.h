/* SPDX-License-Identifier: MIT */
/*
 * What the loaded services of one generation need beside their files: what their trial has found,
 * and the memory that all their workers share. That memory outlives workers, keepers and the
 * generation: the next one takes it over where address, name, version and size are the same. Master
 * only; it never touches a byte of it.
 */
#ifndef MASTER_MODULES_H
#define MASTER_MODULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/conf.h"
#include "worker/service.h"

struct module_memory;

struct modules {
	const struct conf *conf;       /* whose listens they are; borrowed */
	struct service_facts *facts;   /* of each listen; NULL: no service is loaded */
	void **shared;                 /* of each listen, zeroed at first; NULL: nothing is shared */
	struct module_memory **memory; /* behind them */
};

/* True when a listen of conf has a service that stands for a file. */
bool modules_has_any(const struct conf *conf);

/*
 * Copies the facts of a trial of conf, and maps what is to be shared, or takes it over from
 * `before` (NULL: there is none). `modules` is zeroed at first, and modules_free frees it, also
 * after a failure. Returns false with err (CODE_OSERR).
 */
bool modules_take(struct modules *modules, const struct conf *conf,
		  const struct service_facts *facts, const struct modules *before, struct err *err);
void modules_free(struct modules *modules);

/* In a child: unmaps what is shared by `modules` and not by `own` (NULL: all of it). */
void modules_leave(const struct modules *modules, const struct modules *own);

#endif
