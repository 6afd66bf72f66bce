/* SPDX-License-Identifier: MIT */
/*
 * Everything that a worker inherits from its master, in one place. The worker changes nothing
 * behind a pointer here except its slot, its arena and the hints.
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
#include "stats/limit_memory.h"
#include "stats/scoreboard.h"
#include "tls/context.h"
#include "worker/arena.h"
#include "worker/load/loaded.h"

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
	 * The two ends of its door (worker/door/door.h), a SOCK_SEQPACKET socketpair: the worker's
	 * own, which accepts descriptors ...
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
	unsigned generation; /* its id; 0: of the next one, or after a failed reload the one then */
};

/*
 * The link between a worker and the helper process of a listener (worker/helper.h): the two ends of
 * a SOCK_SEQPACKET socketpair of that worker alone, used with MSG_DONTWAIT.
 */
struct helper_link {
	int worker, helper; /* the worker's end refuses descriptors */
};

/* The links of one helper. */
struct helper_links {
	const struct listen_conf *conf; /* its listener's options; NULL: it is shared */
	struct helper_link *list;       /* by the number of the worker; NULL: it has none */
};

/*
 * Descriptors that a worker keeps for each place of its generation: two of the wire, and the doors
 * of the next generation, which are made for as many places, and of the last one.
 */
enum { HERITAGE_WIRES = 4 };

struct heritage {
	const struct conf *conf;
	const struct tls_sites *sites;   /* tls/context.h; NULL: no listener has TLS */
	const struct identity *identity; /* the user and group of the worker */
	const struct listener_set *listeners;
	struct scoreboard *board;
	unsigned number;           /* of this worker in its generation: 0 .. peer_count - 1 */
	unsigned seat;             /* copied from its slot */
	struct slot *peers;        /* the generation's slots; peers[number] is this worker's */
	const struct hints *hints; /* the loads that the peers publish */
	const struct limit_memory *limits; /* of the server; NULL: there are none */
	const struct wire *wires; /* one for each peer, made before any of them was forked */
	struct doors next, previous;
	unsigned peer_count; /* places of the generation, including workers that never started */
	const struct helper_links *helpers; /* of the generation */
	unsigned helper_count;
	struct arena *arena; /* this slot's, mapped by the master */
	/* by listen: what the trial has found of a service to be loaded, and its shared memory */
	const struct service_facts *facts; /* NULL: there was no trial */
	void *const *shared;
	const struct loaded *loaded; /* by this process, or its keeper; NULL: nothing */
	pid_t master_pid;
	int epfd;     /* made by the keeper: the epoll of all workers of the slot; -1: none */
	bool is_kept; /* a keeper shares this worker's descriptors, and has settled first */
	bool resumes; /* another worker used the arena before: its connections go on */
};

/* This worker's slot. */
static inline struct slot *heritage_own_slot(const struct heritage *heritage)
{
	return &heritage->peers[heritage->number];
}

/* The index of this worker's slot in the scoreboard. */
static inline unsigned heritage_slot(const struct heritage *heritage)
{
	return (unsigned)(heritage->peers - heritage->board->slots) + heritage->number;
}

/* How often the loop of the worker in that slot has turned. */
static inline uint64_t heritage_turns(const struct heritage *heritage, unsigned slot)
{
	return atomic_load_explicit(&heritage->board->slots[slot].turns, memory_order_relaxed);
}

/*
 * Writes the descriptors that this worker keeps, apart from those of its connections and its
 * listening sockets, to fds, which has room for heritage_fds_most; returns how many. -1 is among
 * them where one is not open.
 */
unsigned heritage_fds(const struct heritage *heritage, int *fds);

static inline unsigned heritage_fds_most(const struct heritage *heritage)
{
	return 4 + 2 * heritage->peer_count + heritage->next.count + heritage->previous.count +
	       heritage->helper_count + (heritage->loaded ? heritage->loaded->fd_count : 0);
}

/* This worker's end of its link to the helper of that listener. -1: it has no helper. */
int heritage_link(const struct heritage *heritage, const struct listen_conf *conf);

/*
 * The end by which this worker passes connections to the worker in that slot, if it is of its own
 * generation, of the last one, or of one that has followed its own directly. -1: none.
 */
int heritage_doorbell(const struct heritage *heritage, const struct slot_info *info);

/* Loads the services of its listens, which the heritage then has (worker/load/loaded.h). */
static inline bool heritage_load(struct heritage *heritage, struct loaded *loaded, struct err *err)
{
	const struct loaded_order order = { heritage->conf, heritage->board, heritage->facts,
					    heritage->shared };

	heritage->loaded = loaded;
	return loaded_start(loaded, &order, err);
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
