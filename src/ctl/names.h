/* SPDX-License-Identifier: MIT */
/* The names of servers, for -t. */
#ifndef CTL_NAMES_H
#define CTL_NAMES_H

#include <stdio.h>

#include "config/conf.h"

enum { NAMES_MOST_MS = 5000 };

/*
 * Looks up the names of the servers that listeners pass connections on to, for at most
 * NAMES_MOST_MS, and writes a warning for each that cannot be found: the server starts all the
 * same. Forks, and waits for the child.
 */
void names_warn(const struct conf *conf, FILE *out);

#endif
