/* SPDX-License-Identifier: MIT */
/* Closes the doors of generations that have left, without waiting for anyone. Master only. */
#ifndef MASTER_CLOSER_H
#define MASTER_CLOSER_H

#include "master/procs.h"

/*
 * Closes the doors of a generation whose processes are gone. A worker that was taken over can have
 * sent sockets to any door, and the last process to close them would wait for their clients
 * (SO_LINGER, socket(7)), except one that exits: that is a child here. Returns false, and closes
 * nothing, while the last such child is not reaped.
 */
bool closer_start(struct procs *procs, struct generation *generation);

/* Tells that child to exit, if there is one; later again where the system has refused it. */
void closer_end(struct procs *procs, int64_t now_ms);

#endif
