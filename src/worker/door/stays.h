/* SPDX-License-Identifier: MIT */
/*
 * Which connections stay in their worker while others move, and which receiver is believed about
 * that. The first one to object may be a worker that was taken over: a second one must agree.
 * Worker only.
 */
#ifndef WORKER_DOOR_STAYS_H
#define WORKER_DOOR_STAYS_H

#include "worker/door/move.h"

/* That connection stays; all that are left, or of one listener; all that cannot move. */
void stays_keep_one(struct moving *moving, uint32_t index, enum stay_reason reason);
void stays_keep_all(struct moving *moving, const uint16_t *listener, enum stay_reason reason);
void stays_keep_immovable(struct moving *moving);

/* A receiver objects. If it is the second one, what it names stays; else the next is asked. */
void stays_hear(struct moving *moving, struct objection said);

/* There is no second receiver: what the first one has named stays. */
void stays_uphold(struct moving *moving);

/* A batch was taken. If it had what the first receiver had named, that one is asked no more. */
void stays_refute(struct moving *moving);

#endif
