/* SPDX-License-Identifier: MIT */
/*
 * A configuration with a module of tests/modules, and its trial. Shared by the tests of the trial,
 * of the loading and of what a generation keeps.
 */
#ifndef UNIT_LOADING_H
#define UNIT_LOADING_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf.h"
#include "config/identity.h"
#include "worker/service.h"

struct loading {
	char path[512], *texts[2];
	bool is_untried; /* a keeper does not know what the trial has found */
	struct listen_conf listens[2];
	struct conf conf;
	struct identity identity;
	struct service_facts facts[2];
	struct err err;
};

/* The first listen has a service of the program's own, the second the module of that name. */
void loading_set(struct loading *s, const char *name, const char *argument);

/* The same, and tries it; false with err. */
bool loading_try(struct loading *s, const char *name, const char *argument);

/* Nothing was left: it would be the child of this process, a subreaper, by now. */
void loading_expect_no_child(void);

#endif
