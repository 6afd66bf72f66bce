/* SPDX-License-Identifier: MIT */
/*
 * What a worker finds at its start: the master's descriptors and privileges, which it gives up, or
 * the connections and the epoll that the last worker of its slot has left. Worker only.
 */
#ifndef WORKER_TAKEOVER_H
#define WORKER_TAKEOVER_H

#include "base/loop.h"
#include "worker/heritage.h"
#include "worker/recovery/recovery.h"

/*
 * Settles in (worker_settle, unless the keeper has), surveys what the last worker has left, and
 * closes every descriptor that is needed neither by a kept connection nor by the heritage, such as
 * a dead worker's signalfd. Returns false with err set; its code is the exit code.
 */
bool takeover_begin(struct recovery *recovery, const struct heritage *heritage, struct err *err);

/*
 * Opens the loop: the epoll goes on as the last worker has left it. One that has lost it, or put
 * something else in its place, gets a new one there, in which recovery finds no connection. Returns
 * false with errno set.
 */
bool takeover_open_loop(struct recovery *recovery, const struct heritage *heritage,
			struct loop *loop);

/*
 * The loop has reported many events for nothing. A dead worker can have added to the epoll what no
 * worker knows, and what cannot be removed by its tag alone; a new epoll, made once, has none of
 * it. Returns false with errno set.
 */
bool takeover_renew_loop(struct recovery *recovery, struct pool *pool);

#endif
