/* SPDX-License-Identifier: MIT */
/*
 * The limits of a program (getrlimit(2)): of its address space, its core, its descriptors, and the
 * processes of its user. A limit above this process's hard limit takes a privilege to set.
 */
#ifndef CONFIG_COMMAND_LIMITS_H
#define CONFIG_COMMAND_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* 0: no limit for memory and processes, no core; files: 1024, or the hard limit if it is lower. */
struct command_limits {
	int64_t memory, core; /* bytes */
	int64_t files;        /* the soft limit, which the program may raise to the hard one */
	int64_t processes;
};

/*
 * Returns false with err (CODE_CONFIG), which starts with the option's name, for a limit that is
 * above the hard one of this process, which may not raise it. Changes nothing.
 */
bool command_limits_check(const struct command_limits *limits, struct err *err);

/*
 * Raises this process's hard limits where they are lower, so that the limits can be set once it has
 * given up its privileges. The soft limits stay. Returns false with err.
 */
bool command_limits_allow(const struct command_limits *limits, struct err *err);

/* In the process that becomes the program: sets the limits. Returns false with err. */
bool command_limits_set(const struct command_limits *limits, struct err *err);

#endif
