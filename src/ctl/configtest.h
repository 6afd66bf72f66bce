/* SPDX-License-Identifier: MIT */
/*
 * Examines the environment for a configuration that is in order by itself: would the server start
 * here? The start and -t run the same checks in the same order, so that -t gives the start's
 * verdict. Disturbs nothing that runs.
 */
#ifndef CTL_CONFIGTEST_H
#define CTL_CONFIGTEST_H

#include <stdbool.h>

#include "config/conf.h"
#include "master/prestart.h"

/*
 * The start's: loads the configuration and runs the checks until one fails. With daemon they are
 * those of a process that leaves the terminal. Returns the configuration, and in *found what the
 * checks have looked up for it, with an array that the caller frees; NULL with err, and nothing to
 * free. Asks the resolver.
 */
struct conf *configtest_pass(const struct conf_source *source, bool daemon,
			     struct prestart_found *found, struct err *err);

struct configtest_options {
	bool print;  /* -T: the configuration, on stdout */
	bool daemon; /* -d */
	bool quiet;  /* -q: no verdict when all is well */
};

/*
 * -t and -T: loads the configuration and writes to stderr a line for each thing that is wrong (the
 * server would not start) or short (it would start with less). Returns the exit code the start
 * would give: CODE_OK when nothing is wrong. err is set only when the configuration cannot be
 * loaded. Beside a running server of the same pid file it is the verdict once that has stopped.
 */
enum exit_code configtest_run(const struct conf_source *source,
			      const struct configtest_options *wish, struct err *err);

#endif
