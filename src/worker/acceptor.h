/* SPDX-License-Identifier: MIT */
/*
 * Accepting: one connection for each wake-up. Worker only.
 *
 * A worker that should be woken after the others takes the listener out of its epoll and adds it
 * again, which moves it to the tail of the socket's wait queue (EPOLLEXCLUSIVE wakes the head,
 * epoll_ctl(2)). A lighter worker that sleeps is kicked. worker/balance.h decides which worker is
 * lighter, worker/accept_pause.h when none accepts.
 *
 * worker/guard.h undoes changes that another process has made to a shared socket.
 */
#ifndef WORKER_ACCEPTOR_H
#define WORKER_ACCEPTOR_H

#include <stdbool.h>

#include "worker/accept_pause.h"

/*
 * Starts accepting from every listener of the pool. The caller sets loop, pool, alarms, bans, room
 * and the fields of balance. Returns false with errno set. Allocates. Worker only.
 */
bool acceptors_start(struct acceptors *all);

/* Stops accepting for good and closes the listening sockets (closed, never shut down). */
void acceptors_close(struct acceptors *all);

#endif
