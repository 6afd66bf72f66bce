/* SPDX-License-Identifier: MIT */
/*
 * Whether a program's listening socket is non-blocking (O_NONBLOCK). The state belongs to the open
 * file description, which all holders share (fcntl(2)): the copies of the old program and of the
 * new one, and the workers of a generation that served, or will serve, the same address themselves.
 *
 * The master sets the state when a socket goes to a program that did not have it before, or that
 * was another command, and never again: a program that has changed it must not find it changed
 * back. While a socket is blocking for the sake of a program, it is `lent` for the workers that
 * share it (net/listener.h). Master only.
 */
#ifndef MASTER_PROGRAM_SOCKET_STATE_H
#define MASTER_PROGRAM_SOCKET_STATE_H

#include "master/procs.h"

/* Before the first copy or worker of the generation starts; its listeners have their rows. */
void socket_state_hand_over(const struct procs *procs, const struct generation *fresh);

/* Takes back what is lent to no living copy any more: the current workers' sockets. */
void socket_state_take_back(const struct procs *procs);

#endif
