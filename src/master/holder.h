/* SPDX-License-Identifier: MIT */
/*
 * Who holds a listening socket, as proc(5) tells: looking only, nothing is connected to. Called
 * by preflight.c.
 */
#ifndef MASTER_HOLDER_H
#define MASTER_HOLDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/addr.h"

/*
 * True when the process listens on addr. Where its descriptors may not be looked at, because it
 * is another user's, a socket on that address counts as its own when the socket is the same
 * user's (a unix socket always).
 */
bool holder_has(pid_t pid, const struct addr *addr);

#endif
