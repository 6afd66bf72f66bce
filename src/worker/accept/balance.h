/* SPDX-License-Identifier: MIT */
/*
 * Which worker should take the next connection: compares this worker's load with the published
 * loads of the others.
 *
 * No worker with room waits while a connection does: a worker that refused to accept in favour of a
 * lighter one, for no more than 2 ms, cost a third to a half of the rate of short connections with
 */
#ifndef WORKER_ACCEPT_BALANCE_H
#define WORKER_ACCEPT_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/scoreboard.h"
#include "worker/heritage.h"

struct balance {
	struct slot *slots;        /* of the generation; slots[number] is this worker's */
	const struct hints *hints; /* one for each slot; bounds every walk */
	const struct wire *wires;  /* one for each slot */
	unsigned number;
	struct lately {
		uint32_t least, least_before; /* load of this span of time, and of the last one */
		int64_t since_ms;
	} lately;
	/*
	 * A peer's count of turns when it was kicked: one that has not turned since is deaf. at_ms
	 * 0: it has turned, or was never kicked.
	 */
	struct kick {
		uint64_t turns;
		int64_t at_ms;
		int64_t doubted_ms; /* until then its hint is ignored */
	} * kicks;
};

/* Allocates the notes on kicks; the caller sets the other fields. Returns false with errno set. */
bool balance_start(struct balance *b);

/* The socket that is readable once this worker has been kicked. */
static inline int balance_fd(const struct balance *b)
{
	return b->wires[b->number].fds[WIRE_KICKED];
}

/* The load of a worker that accepts no more connections. */
#define BALANCE_FULL UINT32_MAX

/* Publishes this worker's load; its state and seat are read from its slot. */
void balance_tell(const struct balance *b, uint32_t load);

/* True when the worker owns the socket: each owns that of its seat (modulo `sockets`). */
bool balance_owns(const struct balance *b, unsigned socket, unsigned sockets);

/* True when no ready worker owns `socket` and this one has the lowest number of the ready ones. */
bool balance_is_deputy(const struct balance *b, unsigned socket, unsigned sockets);

/* This worker's load compared with that of the ready ones. */
struct standing {
	uint32_t load;
	uint32_t settled;  /* the least load of the last 10 to 20 ms */
	uint32_t excess;   /* over the lightest; 0: no worker has noticeably less */
	unsigned lightest; /* number of that worker; meaningless when the excess is 0 */
};

/* Compares this worker at that load with the others, in one walk over the hints. */
struct standing balance_look(struct balance *b, uint32_t load, int64_t now_ms);

/* True when the next connections should wake other workers first. */
bool balance_yields(const struct standing *s);

/*
 * Wakes the lightest worker to accept from the listener, if it has so much less load that it should
 * have the first chance, and its own slot confirms that. True when it has been woken.
 */
bool balance_pass(struct balance *b, const struct standing *s, unsigned listener, int64_t now_ms);

/* Takes the mask (hints_mask) of listeners that others ask this worker to accept from. */
uint64_t balance_asked(struct balance *b);

#endif
