/* SPDX-License-Identifier: MIT */
/*
 * The process that holds a listening socket, according to proc(5). It only reads; it opens no
 * connection.
 */
#ifndef NET_SOCKET_OWNER_H
#define NET_SOCKET_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/err.h"

/*
 * True when the process listens on addr. When another user's process may not be inspected, a socket
 * on that address counts as its own if the socket belongs to the same user (a unix socket always).
 */
bool socket_owner_has(pid_t pid, const struct addr *addr);

/*
 * Adds to an err about an address in use the process that listens on addr, or on the same port of
 * all addresses (of several, the one with the lowest id). When it may not be inspected, because it
 * is another user's, adds the command that shows it. Returns false.
 */
bool socket_owner_explain(const struct addr *addr, const char *command, struct err *err);

#endif
