/* SPDX-License-Identifier: MIT */
/* How many descriptors this process has and may have. getrlimit(2), proc(5). Any process. */
#ifndef CONFIG_FDLIMIT_H
#define CONFIG_FDLIMIT_H

#include <stdbool.h>
#include <sys/resource.h>

#include "base/err.h"

/* How many are open. */
unsigned fdlimit_open(void);

/*
 * True when this process could have so many, by the hard limit or by raising it. Changes nothing.
 */
bool fdlimit_allowed(rlim_t count);

/*
 * Fills err (CODE_OSERR) with `why` it takes more descriptors than fdlimit_allowed, how many,
 * and what raises the limit; returns false.
 */
bool fdlimit_refuse(rlim_t count, const char *why, struct err *err);

/*
 * Adds to an err that descriptors ran out by (EMFILE, ENFILE) the limit and what raises it, and
 * makes it CODE_OSERR; leaves any other as it is. Returns false.
 */
bool fdlimit_explain(int error, struct err *err);

#endif
