/* SPDX-License-Identifier: MIT */
/*
 * All that a worker inherits from its master, in one place. The worker changes nothing that a
 * pointer here leads to, but for its slot and its arena.
 */
#ifndef WORKER_HERITAGE_H
#define WORKER_HERITAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "config/conf.h"
#include "config/identity.h"
#include "net/listener.h"
#include "stats/scoreboard.h"
#include "worker/arena.h"
#include "worker/peers.h"

/*
 * The descriptors of one worker by which processes wake each other. A taken over worker may change
 * the flags of what it holds, O_NONBLOCK as well, and these belong to all holders; so no call on
 * them by anybody depends on flags. Nor do they take descriptors (SO_PASSRIGHTS, Linux 6.16), which
 * the last one to close them would close as well.
 */
enum {
	/*
	 * An eventfd, of this worker and the master alone: rung when the state in the slot changes.
	 * The master has it told at the edge (epoll(7)), and makes no call on it.
	 */
	WIRE_BELL,
	/* Two ends of a datagram socketpair, used with MSG_DONTWAIT: the worker's own ... */
	WIRE_KICKED,
	WIRE_KICK, /* ... and the one by which every other worker kicks it */
	WIRE_FDS
};
struct wire {
	int fds[WIRE_FDS]; /* -1: not open */
};

struct heritage {
	const struct conf *conf;
	const struct identity *identity; /* who the worker is to be */
	const struct listener_set *listeners;
	struct scoreboard *board;
	unsigned number;           /* of this worker in its generation: 0 .. peer_count - 1 */
	unsigned seat;             /* as in its slot */
	struct slot *peers;        /* the generation's slots; peers[number] is this worker's */
	const struct peers *hints; /* what the peers tell each other */
	const struct wire *wires;  /* one for each peer, made before any of them was forked */
	unsigned peer_count;       /* room of the generation, workers that never started included */
	struct arena *arena;       /* this slot's, mapped by the master */
	pid_t master_pid;
	bool is_kept; /* a keeper shares this worker's descriptors, and has settled in before it */
	bool resumes; /* another worker lived in the arena before: its connections go on */
};

/* Of worker i's wire, the descriptor that this worker keeps beside its own bell. */
static inline int heritage_wire(const struct heritage *heritage, unsigned i)
{
	return heritage->wires[i].fds[i == heritage->number ? WIRE_KICKED : WIRE_KICK];
}

static inline int heritage_bell(const struct heritage *heritage)
{
	return heritage->wires[heritage->number].fds[WIRE_BELL];
}

/*
 * What a worker, or the keeper before it, does in the master's child before anything else: gives up
 * writing to the scoreboard but for its slot, leaves the master's descriptors, binds itself to its
 * CPU, drops privileges. False with err, whose code is the exit code to leave with.
 */
bool worker_settle(const struct heritage *heritage, struct err *err);

/*
 * The worker's whole life: settles (unless its keeper has), recovers, serves, drains, and returns
 * the exit code to leave with (0, or CODE_NO_RESPAWN when the next worker would fail alike; it has
 * logged why). Worker only, in the child of the fork, with the signals of config/signals blocked.
 */
int worker_run(const struct heritage *heritage);

#endif
