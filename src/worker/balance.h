/* SPDX-License-Identifier: MIT */
/*
 * Who should take the next connection: compares this worker's load with what the others say of
 * theirs, and passes a waiting connection to the least loaded by a datagram ("kick").
 *
 * What another worker says of itself is a hint in core/peers.h, which any worker could have written.
 * Whoever is chosen by it is kicked only if its own slot, which it alone writes, says the same. So a
 * worker that lies draws kicks to itself, or has one look at a slot in vain wasted for each accept.
 */
#ifndef WORKER_BALANCE_H
#define WORKER_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/peers.h"
#include "core/scoreboard.h"
#include "worker/heritage.h"

struct balance {
	struct slot *slots;        /* of the generation; slots[number] is this worker's */
	const struct peers *peers; /* one for each slot, which bounds every walk */
	const struct wire *wires;  /* one each */
	unsigned number;
	/*
	 * What a peer's loop had counted when it was kicked: one that has not turned since is
	 * deaf. at_ms 0: it has, or was never kicked.
	 */
	struct kick {
		uint64_t turns;
		int64_t at_ms;
		int64_t doubted_ms; /* until then its hint is not believed */
	} * kicks;
};

/* Allocates the notes on kicks; the other fields are set by the caller. False with errno. */
bool balance_start(struct balance *b);

/* Tells the others how many connections this worker has; the rest stands in its slot. */
void balance_tell(const struct balance *b, uint32_t live);

/* True when another worker is ready to accept. */
bool balance_has_peer(const struct balance *b);

/* Each worker owns the socket of its seat (modulo `sockets`). */
bool balance_owns(const struct balance *b, unsigned socket, unsigned sockets);

/* True when no ready worker owns `socket` and this one has the lowest number of the ready ones. */
bool balance_is_deputy(const struct balance *b, unsigned socket, unsigned sockets);

/*
 * The ready peer with the fewest connections, if this worker, with `live`, has so many more
 * that the peer should take the next; else -1.
 */
int balance_lighter(struct balance *b, uint32_t live, int64_t now_ms);

/* Asks the peer to accept from the listener. */
void balance_kick(struct balance *b, unsigned peer, unsigned listener, int64_t now_ms);

/* The mask (peers_mask) of listeners that others ask this worker to accept from, once. */
uint64_t balance_asked(struct balance *b);

#endif
