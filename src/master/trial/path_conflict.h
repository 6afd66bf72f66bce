/* SPDX-License-Identifier: MIT */
/*
 * Paths of a configuration that lead to the same file: the server would overwrite or remove one of
 * its own files. Used by the master, its child that tries a reload, -t, and a worker at its start.
 */
#ifndef MASTER_TRIAL_PATH_CONFLICT_H
#define MASTER_TRIAL_PATH_CONFLICT_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf.h"

/*
 * Returns true when no two of these are the same file, however they are spelt: the configuration
 * (without its includes), the pid file, the scoreboard, the log, the access log and the unix
 * sockets. Otherwise false with err (CODE_CONFIG), which has the place of the second one.
 */
bool path_conflict_check(const struct conf *conf, struct err *err);

#endif
