/* SPDX-License-Identifier: MIT */
/* The number of this process's descriptors and their limit. getrlimit(2), proc(5). Any process. */
#ifndef CONFIG_FDLIMIT_H
#define CONFIG_FDLIMIT_H

#include <stdbool.h>
#include <sys/resource.h>

#include "base/err.h"

/* Returns the number of open descriptors. */
unsigned fdlimit_open(void);

/*
 * True when this process could have `count` descriptors, by the hard limit or by raising it.
 * Changes nothing.
 */
bool fdlimit_allowed(rlim_t count);

/*
 * Raises the limits of this process where they are below `count`. Returns false when the system
 * refuses: then the soft limit is raised to the hard one, which is in *possible.
 */
bool fdlimit_raise(rlim_t count, rlim_t *possible);

/*
 * Fills err (CODE_OSERR): `why` needs more descriptors than fdlimit_allowed, how many, and how to
 * raise the limit. Returns false.
 */
bool fdlimit_refuse(rlim_t count, const char *why, struct err *err);

/*
 * For EMFILE and ENFILE, adds the limit and how to raise it to err, and makes err CODE_OSERR.
 * Leaves err unchanged for any other error. Returns false.
 */
bool fdlimit_explain(int error, struct err *err);

#endif
