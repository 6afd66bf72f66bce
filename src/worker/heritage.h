/* SPDX-License-Identifier: MIT */
/*
 * Everything that a worker inherits from its master, in one place. The worker changes nothing behind
 * a pointer here except its slot, its arena and the hints.
 */
#ifndef WORKER_HERITAGE_H
#define WORKER_HERITAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/conf.h"
#include "config/identity.h"
#include "net/listener.h"
#include "stats/hints.h"
#include "stats/scoreboard.h"
#include "worker/arena.h"

/*
 * The descriptors of one worker by which processes wake each other. A compromised worker may change
 * the flags of its descriptors, O_NONBLOCK as well, and flags are shared by all holders; so no call
 * on these descriptors, in any process, depends on flags. Nor do they accept descriptors
 * (SO_PASSRIGHTS, Linux 6.16), which the last process to close them would have to close as well.
 */
enum {
	/*
	 * An eventfd of this worker and the master alone, rung when the state in the slot changes.
	 * The master watches it edge-triggered (epoll(7)), and makes no call on it.
	 */
	WIRE_BELL,
	/* The two ends of a datagram socketpair, used with MSG_DONTWAIT: the worker's own ... */
	WIRE_KICKED,
	WIRE_KICK, /* ... and the end by which every other worker kicks it */
	WIRE_FDS
};
struct wire {
	int fds[WIRE_FDS]; /* -1: not open */
};

struct heritage {
	const struct conf *conf;
	const struct identity *identity; /* the user and group of the worker */
	const struct listener_set *listeners;
	struct scoreboard *board;
	unsigned number;           /* of this worker in its generation: 0 .. peer_count - 1 */
	unsigned seat;             /* copied from its slot */
	struct slot *peers;        /* the generation's slots; peers[number] is this worker's */
	const struct hints *hints; /* the loads that the peers publish */
	const struct wire *wires;  /* one for each peer, made before any of them was forked */
	unsigned peer_count; /* places of the generation, including workers that never started */
	struct arena *arena; /* this slot's, mapped by the master */
	pid_t master_pid;
	int epfd;     /* made by the keeper: the epoll of all workers of the slot; -1: none */
	bool is_kept; /* a keeper shares this worker's descriptors, and has settled first */
	bool resumes; /* another worker used the arena before: its connections go on */
};

/* The descriptor of worker i's wire that this worker keeps, beside its own bell. */
static inline int heritage_wire(const struct heritage *heritage, unsigned i)
{
	return heritage->wires[i].fds[i == heritage->number ? WIRE_KICKED : WIRE_KICK];
}

static inline int heritage_bell(const struct heritage *heritage)
{
	return heritage->wires[heritage->number].fds[WIRE_BELL];
}

/*
 * The first step of a worker, or of the keeper before it, in the master's child: gives up writing
 * to the scoreboard except for its slot, closes the master's descriptors, binds itself to its CPU,
 * drops privileges. Returns false with err set; its code is the exit code.
 */
bool worker_settle(const struct heritage *heritage, struct err *err);

/*
 * The worker's whole life: settles (unless its keeper has), recovers, serves, drains, and returns
 * the exit code (0, or CODE_NO_RESPAWN when the next worker would fail in the same way; the reason
 * is logged). Worker only, in the child of the fork, with the signals of config/signals blocked.
 */
int worker_run(const struct heritage *heritage);

#endif
