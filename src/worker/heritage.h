/* SPDX-License-Identifier: MIT */
/*
 * Everything that a worker inherits from its master, in one place, and the hints by which the
 * workers of a generation share out load. The worker changes nothing behind a pointer here except
 * its slot, its arena and the hints.
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
 * The loads that the workers of a generation publish, so that load is shared out: one word for each
 * worker, side by side in memory that all of them write to, because a walk over slots, which are
 * kilobytes apart, is measurable at each accept. They are hints: any worker may have written
 * anything there, so a worker confirms a hint in the other's own slot before it acts on it, and the
 * master only writes.
 */
struct peer {
	uint32_t live; /* connections open now */
	uint16_t seat; /* copied from its slot */
	uint8_t state; /* enum slot_state; may hold any other value */
};

struct peers {
	_Atomic uint64_t *words; /* shared, like the memory of `asked`: one for each worker */
	_Atomic uint64_t *asked; /* one each: the listeners that others ask it to accept from */
	unsigned count;          /* private, so that no other process changes it */
};

/*
 * Maps the words of `count` workers, all empty, to be shared with children. Returns false with
 * errno set; heritage_peers_free unmaps. Master only.
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

/* The mask of a listener; those beyond the 64th share the bits of the first. */
uint64_t heritage_peers_mask(unsigned listener);

/* Asks the worker to accept from the listener. */
void heritage_peers_ask(const struct peers *peers, unsigned number, unsigned listener);

/* The mask of listeners that the worker is asked to accept from; the call clears it. */
uint64_t heritage_peers_asked(const struct peers *peers, unsigned number);

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
	/*
	 * The two ends of its door (worker/door.h), a SOCK_SEQPACKET socketpair: the worker's own,
	 * which accepts descriptors ...
	 */
	WIRE_DOOR,
	WIRE_DOORBELL, /* ... and the end by which the others pass connections in */
	WIRE_FDS
};
struct wire {
	int fds[WIRE_FDS]; /* -1: not open */
};

/* The ends by which a worker passes connections to the workers of another generation. */
struct doors {
	const int *fds; /* by the number of the worker; -1: none */
	unsigned count;
	unsigned generation; /* its id; 0: of whatever generation comes next */
};

/*
 * Descriptors that a worker keeps for each place of its generation: two of the wire, and the doors of
 * the next generation and of the last one, which have about as many places.
 */
enum { HERITAGE_WIRES = 4 };

struct heritage {
	const struct conf *conf;
	const struct identity *identity; /* the user and group of the worker */
	const struct listener_set *listeners;
	struct scoreboard *board;
	unsigned number;           /* of this worker in its generation: 0 .. peer_count - 1 */
	unsigned seat;             /* copied from its slot */
	struct slot *peers;        /* the generation's slots; peers[number] is this worker's */
	const struct peers *hints; /* the loads that the peers publish */
	const struct wire *wires;  /* one for each peer, made before any of them was forked */
	struct doors next, previous;
	unsigned peer_count; /* places of the generation, including workers that never started */
	struct arena *arena; /* this slot's, mapped by the master */
	pid_t master_pid;
	int epfd;     /* made by the keeper: the epoll of all workers of the slot; -1: none */
	bool is_kept; /* a keeper shares this worker's descriptors, and has settled first */
	bool resumes; /* another worker used the arena before: its connections go on */
};

/* The index of this worker's slot in the scoreboard. */
static inline unsigned heritage_slot(const struct heritage *heritage)
{
	return (unsigned)(heritage->peers - heritage->board->slots) + heritage->number;
}

/*
 * Writes the descriptors that this worker keeps, apart from those of its connections and its
 * listening sockets, to fds, which has room for heritage_fds_most; returns how many. -1 is among
 * them where one is not open.
 */
unsigned heritage_fds(const struct heritage *heritage, int *fds);

static inline unsigned heritage_fds_most(const struct heritage *heritage)
{
	return 4 + 2 * heritage->peer_count + heritage->next.count + heritage->previous.count;
}

/*
 * The end by which this worker passes connections to the worker of that number and generation: its
 * own, the one before it, or a later one. -1: none.
 */
int heritage_doorbell(const struct heritage *heritage, unsigned generation, unsigned number);

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
