/* SPDX-License-Identifier: MIT */
/* Which connections the next batch has. Worker only. */
#ifndef WORKER_DOOR_GATHER_H
#define WORKER_DOOR_GATHER_H

#include "worker/door/move.h"

/*
 * Writes the next batch to moving->offer: connections of one listener, from the cursor on; the
 * cursor stays at the first that is left out. So many receivers share what is left. The batch is
 * empty when none is left.
 */
void gather_batch(struct moving *moving, unsigned receivers);

/*
 * What has become of the batch decides the size of the next ones: it was refused for lack of room;
 * it was refused for one of its connections, and which is still to be found; that one is found; it
 * was taken; another receiver is asked from now on.
 */
void gather_less(struct moving *moving);
void gather_suspects(struct moving *moving);
void gather_note_found(struct moving *moving);
void gather_note_taken(struct moving *moving);
void gather_as_usual(struct moving *moving);

/* True when a connection is left that may move. */
bool gather_has_any(const struct moving *moving);

#endif
