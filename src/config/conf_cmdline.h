/* SPDX-License-Identifier: MIT */
/*
 * Applies -l, -o, -w and -p to a configuration. Every err is CODE_USAGE and starts with the flag
 * and its text: `-o log.level=lots: "lots" is unknown (...)`. Master only; allocates.
 */
#ifndef CONFIG_CONF_CMDLINE_H
#define CONFIG_CONF_CMDLINE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/flags.h"
#include "config/conf.h"

/*
 * Adds the listener of one -l: ADDRESS=SERVICE[,OPTION=VALUE...]. The address ends at the first "="
 * that is followed by a service's name, so a unix path may hold "=". A comma ends a value; an
 * option that takes a list is repeated for each value.
 */
bool conf_cmdline_listen(struct conf *conf, const char *text, struct err *err);

/*
 * Applies one -o: NAME=VALUE, log.NAME=VALUE or listen.NAME=VALUE. The last form applies to every
 * listener whose service knows the option. Commas separate the values of a list.
 */
bool conf_cmdline_option(struct conf *conf, const char *text, struct err *err);

/* Applies -w. */
bool conf_cmdline_workers(struct conf *conf, const char *text, struct err *err);

/* Applies -p. A relative path starts in directory (NULL: the current directory). */
bool conf_cmdline_pid_file(struct conf *conf, const char *text, const char *directory,
			   struct err *err);

/* The flags of the command line (tables/flags.def). Any process. */
enum { FLAG_READY_FD = 1, FLAG_JSON, FLAG_WATCH };

extern const struct flags flags_of_server;

#endif
