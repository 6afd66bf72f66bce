/* SPDX-License-Identifier: MIT */
/*
 * Checks the environment for a configuration that is valid by itself: would the server start here?
 * The start and -t run the same checks in the same order, so that -t gives the start's verdict.
 * Disturbs no running process.
 */
#ifndef CTL_CONFIGTEST_H
#define CTL_CONFIGTEST_H

#include <stdbool.h>

#include "config/conf.h"
#include "master/trial/prestart.h"

/*
 * For the start: loads the configuration and runs the checks until one fails. With daemon, the
 * checks are those of a process that leaves the terminal. Returns the configuration, and in *found
 * the results of the look-ups, for the caller to prestart_forget. Returns NULL with err, and
 * nothing to free. Queries the resolver.
 */
struct conf *configtest_pass(const struct conf_source *source, bool daemon,
			     struct prestart_found *found, struct err *err);

struct configtest_options {
	bool print;  /* -T: print the configuration on stdout */
	bool daemon; /* -d */
	bool quiet;  /* -q: print no verdict when there is no error */
};

/*
 * -t and -T: loads the configuration and writes to stderr a line for each error (the server would
 * not start) or shortage (it would start with less). Returns the exit code the start would give:
 * CODE_OK when there is no error. Sets err only when the configuration cannot be loaded. Beside a
 * running server of the same pid file, the verdict is for the time after that server has stopped.
 */
enum exit_code configtest_run(const struct conf_source *source,
			      const struct configtest_options *wish, struct err *err);

#endif
