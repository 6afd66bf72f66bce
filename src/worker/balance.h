/* SPDX-License-Identifier: MIT */
/*
 * Who should take the next connection: compares this worker's load with the others' in the
 * scoreboard, and passes a waiting connection to the least loaded by its eventfd ("kick").
 */
#ifndef WORKER_BALANCE_H
#define WORKER_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/scoreboard.h"

struct balance {
	struct slot *peers;  /* of the generation; peers[number] is this worker's */
	const int *kick_fds; /* one each */
	unsigned number, peer_count;
	/*
	 * What a peer's loop had counted when it was kicked: one that has not turned since is
	 * deaf.
	 */
	struct kick {
		uint64_t turns;
		int64_t at_ms;
	} * kicks;
};

/* Allocates the notes on kicks; the other fields are set by the caller. False with errno. */
bool balance_start(struct balance *b);

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
int balance_lighter(const struct balance *b, uint32_t live, int64_t now_ms);

/* Asks the peer to accept from the listener. */
void balance_kick(struct balance *b, unsigned peer, unsigned listener, int64_t now_ms);

/* The listeners that others ask this worker to accept from: a mask, cleared by the asking. */
uint64_t balance_asked(struct balance *b);
bool balance_mask_has(uint64_t mask, unsigned listener);

#endif
