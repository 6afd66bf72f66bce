/* SPDX-License-Identifier: MIT */
/*
 * The slot of a worker in the scoreboard, with all that the worker writes. Part of
 * stats/scoreboard.h.
 */
#ifndef STATS_SLOT_H
#define STATS_SLOT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/addr.h"
#include "stats/metric.h"

enum { SCOREBOARD_SLOTS = 1024 };

/* A slot is a multiple of this, the largest page size that the system may have. */
#if defined(__x86_64__) || defined(__i386__)
#define SCOREBOARD_PAGE 4096
#else
#define SCOREBOARD_PAGE 65536
#endif
/*
 * A slot's state, written by its worker, except EMPTY and STARTING, which the master writes while
 * no worker uses the slot. scoreboard_state reads it.
 */
enum slot_state {
	SLOT_EMPTY,
	SLOT_STARTING,
	SLOT_READY,
	SLOT_MOVING,   /* accepts no more, and hands its connections to other workers */
	SLOT_DRAINING, /* finishes the connections that it has left */
	SLOT_LEAVING
};

/* The worker in the slot of the same index. Written by the master. */
struct slot_info {
	_Atomic uint32_t is_taken; /* 0: no worker */
	_Atomic uint32_t pid;
	_Atomic uint32_t last_pid; /* of the worker that died last; 0: none has */
	_Atomic uint32_t generation;
	_Atomic uint32_t before;     /* the generation that has made its doors; 0: none */
	_Atomic uint32_t number;     /* of the worker, as in its title */
	_Atomic int64_t started_ms;  /* clock_ms() at the fork */
	_Atomic uint32_t has_limits; /* it counts for the limits of its listeners */
};

/*
 * The state of a connection, as its worker keeps it. In PREFACE and WAITING no service knows it
 * yet.
 */
enum conn_state {
	CONN_CLOSED,
	CONN_PREFACE,
	CONN_WAITING,
	CONN_OPEN,
	CONN_FLUSHING,
	CONN_LINGERING
};

struct conn_note {
	struct net remote;
	uint16_t remote_port;
	uint8_t state;    /* enum conn_state */
	uint8_t listener; /* row in the scoreboard's listeners */
	int64_t opened_ms, active_ms;
	uint64_t bytes_in, bytes_out;
};

/* The connections that a draining worker waits for, the oldest ones, updated once a second. */
enum { SLOT_NOTES = 8 };
struct conn_notes {
	_Atomic uint32_t seq; /* odd while the worker writes them */
	_Atomic uint32_t count;
	struct conn_note list[SLOT_NOTES];
};

/*
 * A source that this worker has found at max_per_source. The master looks up how many connections
 * it has now (scoreboard's sources).
 */
enum { SLOT_SOURCES = 16 };
struct source_note {
	_Atomic uint64_t key; /* of its counts (stats/limit_counts.h); 0: being written, or none */
	struct net source;
	uint8_t listener; /* row in the scoreboard's listeners */
};

struct slot {
	/*
	 * this cache line holds the fields by which other workers check a hint (stats/hints.h)
	 */
	_Alignas(SCOREBOARD_PAGE) _Atomic uint32_t state;
	_Atomic uint32_t live;        /* connections open now */
	_Atomic uint64_t turns;       /* of its loop */
	_Atomic int64_t heartbeat_ms; /* clock_ms() at the last turn */
	_Atomic uint32_t generation;  /* set by the master, for the worker's use */
	/*
	 * index of its CPU and of its own socket of each reuse_port listener; its replacement gets
	 * it too
	 */
	_Atomic uint32_t seat;
	_Atomic uint32_t moving; /* not 0 while connections are on their way to another slot */
	/* the reopen (request.begun) whose log file it writes to; 1 if that reopen failed */
	_Atomic uint32_t log_opened, log_failed;
	_Atomic uint64_t door_withdrawn; /* the batch of connections that it has taken back */
	/* the client of the connection in hand: kept here, safe from stray writes to the arena */
	_Alignas(64) _Atomic uint32_t has_hand;
	uint16_t hand_port;
	struct net hand;
	struct conn_notes notes;
	struct source_note sources[SLOT_SOURCES];
	/* the worker's own, except the values that only the master can know */
	_Alignas(64) struct worker_tally tally;
	/*
	 * for each sender's slot: batch << 8 | result of the last batch that this worker began to
	 * take
	 */
	_Alignas(64) _Atomic uint64_t door_taken[SCOREBOARD_SLOTS];
};

#endif
