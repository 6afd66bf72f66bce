/* SPDX-License-Identifier: MIT */
/*
 * Accepting: one connection for each wake-up. Worker only.
 *
 * A worker that is to be woken after the others takes the listener out of its epoll and adds it
 * again, which moves it to the tail of the socket's wait queue (EPOLLEXCLUSIVE wakes the head,
 * epoll_ctl(2)); a lighter one that sleeps is kicked. Which one is lighter: worker/balance.h. When
 * none accepts: worker/accept_pause.h.
 *
 * What another process, which shares a socket, may have done to it is worker/guard.h's business.
 */
#ifndef WORKER_ACCEPTOR_H
#define WORKER_ACCEPTOR_H

#include <stdbool.h>

#include "worker/accept_pause.h"

/*
 * Begins to accept from every listener of the pool. loop, pool, alarms, bans, room and balance's
 * fields are set by the caller. False with errno. Allocates. Worker only.
 */
bool acceptors_start(struct acceptors *all);

/* Stops accepting for good and closes the listening sockets (closed, never shut down). */
void acceptors_close(struct acceptors *all);

#endif
