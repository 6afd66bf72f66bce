/* SPDX-License-Identifier: MIT */
/*
 * How a worker leaves.
 *
 *   STARTING --ready--> READY
 *   READY --SIGNAL_WORKER_MOVE--> MOVING --no more can move--> DRAINING
 *   READY, MOVING --QUIT, or the master is gone--> DRAINING
 *   DRAINING --no connection left, or shutdown_timeout--> LEAVING;  any --INT--> LEAVING
 *
 * MOVING passes the connections to other workers, whatever they are doing. DRAINING ends those that
 * are between messages, some after a moment (drain_ms in worker/service.h), and lets the others
 * finish their message. Worker only.
 */
#ifndef WORKER_DOOR_LEAVE_H
#define WORKER_DOOR_LEAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/timer.h"
#include "worker/accept/acceptor.h"
#include "worker/door/door.h"
#include "worker/door/moving.h"

struct leave {
	const struct heritage *heritage;
	struct pool *pool;
	struct acceptors *acceptors;
	struct door *door;
	struct moving *moving;
	struct timer_heap *alarms;
	struct alarm give_up; /* leaving has taken too long */
	struct alarm note;    /* draining: publishes the connections that it waits for */
	bool is_over;         /* no connection is left: the loop ends */
};

/* The most alarms that it sets at once. */
enum { LEAVE_ALARMS = 2 };

/* The caller sets the pointers before; moving's done must call leave_moved. */
void leave_prepare(struct leave *leave);

/* Changes the state in the slot, tells the peers and rings the master's bell. */
void leave_set_state(const struct leave *leave, enum slot_state state);

/*
 * SIGNAL_WORKER_MOVE; QUIT, or the master is gone; INT. Each does nothing when it is too late for
 * it.
 */
void leave_move(struct leave *leave);
void leave_drain(struct leave *leave);
void leave_now(struct leave *leave, enum close_reason reason);

/* A worker that had been told to leave has died: goes on where it was, with its time limit. */
void leave_resume(struct leave *leave);

/* No more connections can move: the rest is drained. */
void leave_moved(void *leave);

/* After each turn: notes when no connection is left. */
void leave_step(struct leave *leave);

#endif
