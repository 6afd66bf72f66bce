/* SPDX-License-Identifier: MIT */
/* The files that the server itself writes, and the paths of its unix sockets. Master and -t. */
#ifndef MASTER_OWNFILES_H
#define MASTER_OWNFILES_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf.h"

/*
 * True when no two of the configuration (but for what it includes), the pid file, the scoreboard,
 * the log, the access log and the unix sockets are the same file, however they are spelt. Otherwise
 * false with err (CODE_CONFIG), which says where the second one was given.
 */
bool ownfiles_check(const struct conf *conf, struct err *err);

#endif
