/* SPDX-License-Identifier: MIT */
/*
 * -s: asks the running server by a signal, waits for what it does, and tells the outcome. Runs
 * in the asking process; knows the server by its pid file and its scoreboard alone.
 */
#ifndef CTL_CONTROL_H
#define CTL_CONTROL_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf.h"
#include "config/conf_load.h"

/* What the command line asks for. */
struct control_options {
	const char *verb;
	bool quiet; /* print nothing when all is well */
	bool json;  /* of the verb status: as JSON */
	bool watch; /* of the verb status: on and on, on the terminal */
};

/*
 * Carries out the verb (tables/verbs.def) and prints the outcome on stdout. CODE_OK, or CODE_FAILED
 * with err (no server is running, it refused, it took too long). An unknown verb: CODE_USAGE.
 */
enum exit_code control_run(const struct control_options *wish, const struct conf_source *source,
			   struct err *err);

#endif
