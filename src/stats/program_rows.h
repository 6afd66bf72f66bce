/* SPDX-License-Identifier: MIT */
/*
 * Programs and their copies in the scoreboard. The master alone writes them: a program has no
 * access. Part of stats/scoreboard.h.
 */
#ifndef STATS_PROGRAM_ROWS_H
#define STATS_PROGRAM_ROWS_H

#include <stdatomic.h>
#include <stdint.h>

#include "stats/metric.h"

enum { SCOREBOARD_PROGRAMS = 16, SCOREBOARD_COPIES = 512 };

enum program_life { PROGRAM_NEVER, PROGRAM_IN_FORCE, PROGRAM_GONE };

/* A program over the life of the server, by its title; the last row is shared by all others. */
struct program_row {
	_Atomic uint32_t life;
	char title[64]; /* "other" in the last row; written before life */
	struct program_tally tally;
	_Atomic int64_t exited_s;     /* time(2) of the last copy's end; 0: none has ended */
	_Atomic uint32_t exit_status; /* its status from waitpid(2) */
	uint32_t users; /* programs of all generations that count here; for the master alone */
};

/* The state of a copy. */
enum copy_state {
	COPY_WAITING, /* for its next start */
	COPY_STARTING,
	COPY_READY,
	COPY_HUNG,
	COPY_STOPPING
};

struct copy_row {
	_Atomic uint32_t is_taken; /* 0: no copy; 1 + row of its program */
	_Atomic uint32_t number, pid, generation, state;
	_Atomic uint32_t starts;    /* of this copy: 1 + restarts */
	_Atomic int64_t started_ms; /* clock_ms() */
	_Atomic uint64_t cpu_us, memory_bytes;
	_Atomic int64_t exited_s;     /* time(2) of its last end; 0: none */
	_Atomic uint32_t exit_status; /* then, from waitpid(2) */
	char status[64]; /* its STATUS= of sd_notify(3), which may be read while it changes */
};

#endif
