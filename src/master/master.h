/* SPDX-License-Identifier: MIT */
/*
 * The master: binds, forks, supervises, reloads, stops. It touches no client byte.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf.h"
#include "config/conf_load.h"
#include "master/trial/prestart.h"

struct master_options {
	struct conf_source source; /* kept for every reload */
	bool daemon;               /* -d */
	bool quiet;                /* -q: no greeting */
	int ready_fd;              /* --ready-fd, or -1: owned by master_run, which closes it */
};

/*
 * Runs the server until it has stopped and returns the exit code. conf has passed the checks, which
 * found `found`: the user's mistakes are known before the master detaches. Takes over conf, not
 * found. When the start fails, err has the message and nothing is left behind; after a failure that
 * was logged instead, err->text is "". With daemon, the starting process returns here when all
 * workers are ready. In a worker this never returns.
 */
enum exit_code master_run(const struct master_options *asked, struct conf *conf,
			  const struct prestart_found *found, struct err *err);

#endif
