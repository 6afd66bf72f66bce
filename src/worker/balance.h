/* SPDX-License-Identifier: MIT */
/*
 * Who should take the next connection: compares this worker's load with what the others say of
 * theirs.
 *
 * No worker with room waits while a connection does: a worker that refused to accept in favour of a
 * lighter one, for no more than 2 ms, cost a third to a half of the rate of short connections with
 * 2 to 4 workers. So load is shared out by three rules, none of which lets a worker idle:
 *
 *  - The kernel wakes the head of the socket's wait queue (EPOLLEXCLUSIVE). A worker that has 2
 *    connections more than the lightest goes to the tail after it has accepted; one that has not
 *    stays where it is. So a lighter worker, after a respawn as well, is at the head as soon as
 *    the others have accepted once each, and stays there until it is level; and where connections
 *    are short one worker, whose caches are warm, takes what comes as long as it is not busy.
 *  - A worker that has had 4 more for 10 ms, or has 16 more now, and is offered a connection
 *    because it was awake, wakes the lightest (a "kick"), lets other processes have its processor
 *    (sched_yield(2), which does not wait where none wants it), and turns its loop once, which
 *    serves its own connections; then it accepts what is still there. On processors that others use
 *    as well the spread over busy workers was 0.2 to 0.3 without this, 0.1 to 0.3 with the kick
 *    alone, 0.01 to 0.02 with both. A burst of 400 for 4 workers and its client on 2 processors:
 *    0.14 where each went to the tail after every 4th connection, 0.02 with these rules (medians of
 *    40).
 *  - A worker that is full takes its listeners out of epoll, and says so as load.
 *
 * Load is the count of connections, the youngest and those that linger included: in a burst the
 * next one is to be woken by what has just come. Where lives are short it differs by chance, so a
 * kick looks at the least load of the last 10 to 20 ms, as long as the difference is small: without
 * that there were 0.4 kicks for each short connection, and a tenth of the rate was lost to other
 * programs; a look back over 100 ms was blind to what had come meanwhile.
 *
 * What another worker says of itself is a hint in worker/heritage.h, which any worker could have
 * written. Whoever is chosen by it is kicked only if its own slot, which it alone writes, says the
 * same. So a worker that lies draws kicks to itself, or costs another one a look at a slot in vain.
 */
#ifndef WORKER_BALANCE_H
#define WORKER_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/scoreboard.h"
#include "worker/heritage.h"

struct balance {
	struct slot *slots;        /* of the generation; slots[number] is this worker's */
	const struct peers *peers; /* one for each slot, which bounds every walk */
	const struct wire *wires;  /* one each */
	unsigned number;
	struct lately {
		uint32_t least, least_before; /* load of this span of time, and of the last one */
		int64_t since_ms;
	} lately;
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

/* The socket that is readable once this worker has been kicked. */
static inline int balance_fd(const struct balance *b)
{
	return b->wires[b->number].fds[WIRE_KICKED];
}

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
	uint32_t settled;  /* the least that the load was lately */
	uint32_t excess;   /* over the lightest; 0: nobody has less, as far as it matters */
	unsigned lightest; /* who that is; nobody's number when the excess is 0 */
};

/* Of this worker with that load. One walk over the hints. */
struct standing balance_look(struct balance *b, uint32_t load, int64_t now_ms);

/* True when the next connections should not wake this worker first. */
bool balance_yields(const struct standing *s);

/*
 * Wakes the lightest to accept from the listener, if it has had so much less that it should have
 * the first chance, and its own slot confirms it. True when it has been woken.
 */
bool balance_pass(struct balance *b, const struct standing *s, unsigned listener, int64_t now_ms);

/* The mask (heritage_peers_mask) of listeners that others ask this worker to accept from, once. */
uint64_t balance_asked(struct balance *b);

#endif
