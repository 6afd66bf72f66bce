/* SPDX-License-Identifier: MIT */
/*
 * The door of a worker: connections of other workers come in through it. A message of it is a
 * batch: descriptors (SCM_RIGHTS), portable records, the service's state, the bytes in the buffers.
 *
 *   sender                                     receiver
 *   marks its records OFFERED
 *   sends the batch ------------------------>  looks at it (it stays in the queue)
 *                                              notes in its slot: BEGUN
 *                                              records all of it as ARRIVING
 *                                              notes in its slot: DECIDING
 *                                              notes in its slot: TAKEN, or why not
 *                                              serves it, and drops the message
 *   reads the note  <-- wakes the sender ----
 *   TAKEN: closes its copies, frees its records
 *   else: serves the connections again
 *
 * The receiver's note decides who has the batch, whatever dies in between: the message, the note
 * and both arenas outlive both workers. A sender may take a batch back that is not DECIDING yet:
 * it notes that in its own slot first, and the receiver looks there after it has noted DECIDING.
 * Once both the sender and its keeper are gone, the master withdraws the batch in the same way, or
 * replaces DECIDING by a refusal: one compare-and-swap decides between it and the receiver.
 *
 * A worker can give its own connections away and nothing else: the kernel names the sender of a
 * message (SCM_CREDENTIALS), and the master says in which slot that process is. Worker only.
 */
#ifndef WORKER_DOOR_DOOR_H
#define WORKER_DOOR_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "worker/door/arrival.h"
#include "worker/heritage.h"
#include "worker/pool.h"

struct door {
	const struct heritage *heritage;
	struct pool *pool;
	struct watch watch;
	struct door_key *keys;      /* of each listener */
	char *message;              /* DOOR_MESSAGE_MOST bytes */
	bool is_open;               /* false: every batch is refused */
	int64_t said_ms;            /* when a refused message was last logged; 0: never */
	uint64_t unsaid;            /* messages refused since */
	void (*woken)(void *owner); /* a receiver has noted something, or left a queue */
	void *owner;
};

/* What the senders of the connections of that listener write in the head of a message. */
struct door_key door_key_of(const struct listener *listener, const struct service *service);

/*
 * Prepares the door; the caller sets heritage, pool, woken and owner. Returns false with errno set.
 * Allocates.
 */
bool door_start(struct door *door);

/*
 * Refuses what has come in, and reads no more: after a reload that failed, the workers of the next
 * generation have the same doors.
 */
void door_close(struct door *door);

#endif
