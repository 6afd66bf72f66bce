/* SPDX-License-Identifier: MIT */
/*
 * All that a worker inherits from its master, in one place, and the hints by which the workers of a
 * generation share out load. The worker changes nothing that a pointer here leads to, but for its
 * slot, its arena and the hints.
 */
#ifndef WORKER_HERITAGE_H
#define WORKER_HERITAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/conf.h"
#include "config/identity.h"
#include "net/listener.h"
#include "stats/scoreboard.h"
#include "worker/arena.h"

/*
 * What the workers of a generation tell each other so that load is shared out: a word for each,
 * side by side in memory that all of them write to, because a walk over slots, which are kilobytes
 * apart, is felt at each accept. These are hints: any of the workers may have written anything
 * there, so a worker confirms a hint in the other's own slot before it acts on it, and the master
 * only writes.
 */
struct peer {
	uint32_t live; /* connections open now */
	uint16_t seat; /* as in its slot */
	uint8_t state; /* enum slot_state; other values may stand there */
};

struct peers {
	_Atomic uint64_t *words; /* shared, as all that `asked` leads to: one for each worker */
	_Atomic uint64_t *asked; /* one each: the listeners that others ask it to accept from */
	unsigned count;          /* private, so that nobody else changes it */
};

/*
 * Maps the words of `count` workers, all of them empty, to be shared with children. False with
 * errno; heritage_peers_free unmaps. Master only.
 */
bool heritage_peers_new(struct peers *peers, unsigned count);
void heritage_peers_free(struct peers *peers);

static inline struct peer heritage_peers_get(const struct peers *peers, unsigned number)
{
	uint64_t word = atomic_load_explicit(&peers->words[number], memory_order_relaxed);

	return (struct peer){ (uint32_t)word, (uint16_t)(word >> 32), (uint8_t)(word >> 48) };
}

static inline void heritage_peers_set(const struct peers *peers, unsigned number, struct peer peer)
{
	uint64_t word = peer.live | (uint64_t)peer.seat << 32 | (uint64_t)peer.state << 48;

	atomic_store_explicit(&peers->words[number], word, memory_order_relaxed);
}

/* A mask of listeners; those beyond the 64th share the bits of the first. */
uint64_t heritage_peers_mask(unsigned listener);

/* Asks the worker to accept from the listener. */
void heritage_peers_ask(const struct peers *peers, unsigned number, unsigned listener);

/* The mask of what the worker is asked for, cleared by the asking. */
uint64_t heritage_peers_asked(const struct peers *peers, unsigned number);

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
