/* SPDX-License-Identifier: MIT */
/*
 * What a worker notes in its slot of the scoreboard, for readers that ask no worker: connections,
 * and sources at their limit. Readers check it. Part of stats/scoreboard.h.
 */
#ifndef STATS_SLOT_NOTES_H
#define STATS_SLOT_NOTES_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/addr.h"

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

#endif
