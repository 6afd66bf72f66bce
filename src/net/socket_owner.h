/* SPDX-License-Identifier: MIT */
/*
 * Who holds a listening socket, as proc(5) tells: looking only, nothing is connected to.
 */
#ifndef NET_SOCKET_OWNER_H
#define NET_SOCKET_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/err.h"

/*
 * True when the process listens on addr. Where its descriptors may not be looked at, because it
 * is another user's, a socket on that address counts as its own when the socket is the same
 * user's (a unix socket always).
 */
bool socket_owner_has(pid_t pid, const struct addr *addr);

/*
 * Adds to an err that addr is in use which process listens on it, or on the same port of all
 * addresses (of several, the one of the lowest number); or, where none can be seen because it is
 * another user's, the command that shows it. Returns false.
 */
bool socket_owner_explain(const struct addr *addr, const char *command, struct err *err);

#endif
