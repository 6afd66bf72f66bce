/* SPDX-License-Identifier: MIT */
/*
 * Who should take the next connection: compares this worker's load with what the others say of
 * theirs.
 *
 * No worker with room waits while a connection does: a worker that refused to accept in favour of a
 * lighter one, for no more than 2 ms, cost a third to a half of the rate of short connections with 2
 * to 4 workers. So load is shared out by three rules, none of which lets a worker idle:
 *
 *  - The kernel wakes the head of the socket's wait queue (EPOLLEXCLUSIVE). A worker that has 2
 *    connections more than the lightest goes to the tail after it has accepted; one that has not
 *    stays where it is. So whoever is lighter, after a respawn as well, is at the head as soon as the
 *    others have accepted once each, and stays there until it is level; and where connections are
 *    short one worker, whose caches are warm, takes what comes as long as it is not busy.
 *  - A worker that has 4 more, and is offered a connection because it was awake, wakes the lightest
 *    (a "kick") and turns its loop once, which serves its own connections and does not wait; then it
 *    accepts what is still there. Without it the spread over busy workers was 0.007 to 0.15, with it
 *    it is 0.007; a second turn or a bound of 2 ms instead of one turn made nothing better.
 *  - A worker that is full takes its listeners out of epoll, and says so as load.
 *
 * Load is the count of connections, the youngest and those that linger included. Where lives are
 * short it differs by chance, which costs a kick in vain now and then; a count of those that are
 * older than 100 ms saved nothing and was blind to what had just come.
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

struct balance {
	struct slot *slots;        /* of the generation; slots[number] is this worker's */
	const struct peers *peers; /* one for each slot, which bounds every walk */
	const int *kick_fds;       /* eventfds that count 1: watched for edges, never read */
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

/* The load of a worker that takes no more connections. */
#define BALANCE_FULL UINT32_MAX

/* Tells the others this worker's load; the rest stands in its slot. */
void balance_tell(const struct balance *b, uint32_t load);

/* Each worker owns the socket of its seat (modulo `sockets`). */
bool balance_owns(const struct balance *b, unsigned socket, unsigned sockets);

/* True when no ready worker owns `socket` and this one has the lowest number of the ready ones. */
bool balance_is_deputy(const struct balance *b, unsigned socket, unsigned sockets);

/* Where a worker stands among the ready ones. */
struct standing {
	uint32_t load;
	uint32_t excess;   /* over the lightest; 0: nobody has less, as far as it matters */
	unsigned lightest; /* who that is; nobody's number when the excess is 0 */
};

/* Of this worker with that load. One walk over the hints. */
struct standing balance_look(struct balance *b, uint32_t load, int64_t now_ms);

/* True when the next connections should not wake this worker first. */
bool balance_yields(const struct standing *s);

/*
 * Wakes the lightest to accept from the listener, if it has so much less that it should have the
 * first chance, and its own slot confirms it. True when it has been woken.
 */
bool balance_pass(struct balance *b, const struct standing *s, unsigned listener, int64_t now_ms);

/* The mask (peers_mask) of listeners that others ask this worker to accept from, once. */
uint64_t balance_asked(struct balance *b);

#endif
