/* SPDX-License-Identifier: MIT */
/*
 * Checks the descriptors that come with a request: a worker that was taken over can send any. No
 * call here waits or changes a flag. Helper only.
 */
#ifndef SERVICES_EXEC_EXEC_SOCKET_H
#define SERVICES_EXEC_EXEC_SOCKET_H

#include <stdbool.h>

#include "services/exec/exec_environment.h"

/*
 * True for a connected stream socket, which a client of a listener has: of the family of
 * ends->remote, unless ends->local is known, as both ends then are what a PROXY header has told.
 * Fills in the local end, and the other end's credentials of a unix socket.
 */
bool exec_socket_is_client(int fd, struct exec_ends *ends);

/* True for a unix socket that keeps the limits of messages (SOCK_SEQPACKET). */
bool exec_socket_is_control(int fd);

#endif
