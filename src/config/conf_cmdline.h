/* SPDX-License-Identifier: MIT */
/*
 * What -l, -o, -w and -p say, put into a configuration. Every err is CODE_USAGE and begins with
 * the flag and its text: `-o log.level=lots: "lots" is unknown (...)`. Master; allocates.
 */
#ifndef CONFIG_CONF_CMDLINE_H
#define CONFIG_CONF_CMDLINE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/flags.h"
#include "config/conf.h"

/*
 * Adds the listener of one -l: ADDRESS=SERVICE[,OPTION=VALUE...]. The address ends at the first
 * "=" that a service's name follows, so a unix path may hold "=". A comma ends a value; a
 * list's option is repeated for each of its values.
 */
bool conf_cmdline_listen(struct conf *conf, const char *text, struct err *err);

/*
 * Applies one -o: NAME=VALUE, log.NAME=VALUE or listen.NAME=VALUE, the last to every listener
 * (of the service that knows the option); a list's values are separated by commas.
 */
bool conf_cmdline_option(struct conf *conf, const char *text, struct err *err);

/* Applies -w. */
bool conf_cmdline_workers(struct conf *conf, const char *text, struct err *err);

/* Applies -p; a relative path starts in directory (NULL: the current one). */
bool conf_cmdline_pid_file(struct conf *conf, const char *text, const char *directory,
			   struct err *err);

/* The flags of the command line (tables/flags.def). Any process. */
enum { FLAG_READY_FD = 1, FLAG_JSON, FLAG_WATCH };

extern const struct flags flags_of_server;

#endif
