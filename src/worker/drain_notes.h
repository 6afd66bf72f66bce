/* SPDX-License-Identifier: MIT */
/*
 * What a draining worker waits for: the oldest of its connections, in its slot, where anybody can
 * see them. Worker only.
 */
#ifndef WORKER_DRAIN_NOTES_H
#define WORKER_DRAIN_NOTES_H

#include "worker/pool.h"

/* Looks at every record and writes the notes anew; none are left when no connection is. */
void dispatch_publish_notes(const struct pool *pool);

/* Before the first: whatever an earlier worker of the slot has left goes. */
void dispatch_clear_notes(struct slot *slot);

#endif
