/* SPDX-License-Identifier: MIT */
/*
 * -s: asks the running server by a signal, waits for what it does, and tells the outcome. Runs
 * in the asking process; knows the server by its pid file and its scoreboard alone.
 */
#ifndef MASTER_CONTROL_H
#define MASTER_CONTROL_H

#include <stdbool.h>

#include "base/err.h"
#include "core/conf.h"

/*
 * Carries out the verb (tables/verbs.def) and prints the outcome on stdout, unless `quiet`.
 * CODE_OK, or CODE_FAILED with err (no server is running, it refused, it took too long). An
 * unknown verb: CODE_USAGE.
 */
enum exit_code control_run(const char *verb, const struct conf_source *source, bool quiet,
			   struct err *err);

#endif
