/* SPDX-License-Identifier: MIT */
/* The options of an exec listener as those of a program to run. Pure. */
#ifndef SERVICES_EXEC_EXEC_OPTIONS_H
#define SERVICES_EXEC_EXEC_OPTIONS_H

#include "config/command.h"
#include "config/conf.h"

/* All that the result points to is borrowed. */
struct command_options exec_options(const struct conf *conf, const struct listen_conf *listen);

#endif
