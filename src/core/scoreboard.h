/* SPDX-License-Identifier: MIT */
/*
 * The scoreboard: a file in the runtime directory, mapped by the master and every worker, so that
 * the state of the server can be read without asking anyone. No pointers in it. One writer for each
 * part: the master the head, a worker its slot (but for the kick mask, which the other workers set
 * bits in). Slots are cache-line aligned; fields are relaxed atomics. The master trusts nothing
 * that a worker wrote without checking its bounds.
 */
#ifndef CORE_SCOREBOARD_H
#define CORE_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "core/penalty.h"

enum { SCOREBOARD_SLOTS = 1024, SCOREBOARD_VERSION = 4, SCOREBOARD_MESSAGE = 1024 };
#define SCOREBOARD_MAGIC UINT64_C(0x70726566726b7362)

enum metric {
#define METRIC(name, kind, sentence) METRIC_##name,
#include "tables/metrics.def"
	METRIC_COUNT
};

struct metric_row {
	const char *name; /* exported as prefork_NAME */
	bool is_counter;
	const char *sentence;
};
extern const struct metric_row metric_rows[METRIC_COUNT];

/*
 * A slot's life, written by its worker but for EMPTY and STARTING, which the master writes while no
 * worker lives in it.
 */
enum slot_state { SLOT_EMPTY, SLOT_STARTING, SLOT_READY, SLOT_DRAINING, SLOT_LEAVING };

struct slot {
	/* what the other workers look at when they share out connections */
	_Alignas(64) _Atomic uint32_t state;
	_Atomic uint32_t live;        /* connections open now */
	_Atomic uint64_t turns;       /* of its loop */
	_Atomic int64_t heartbeat_ms; /* clock_ms() at the last turn */
	_Atomic uint32_t pid;
	_Atomic uint32_t generation;
	_Atomic uint32_t number; /* of the worker, as in its title */
	/* its CPU and its own socket of each reuse_port listener; from it to its replacement */
	_Atomic uint32_t seat;
	_Atomic int64_t started_ms; /* clock_ms() when forked; master's */
	/* the reopen (deed.begun) whose log file it writes to; and whether that one failed */
	_Atomic uint32_t log_opened, log_failed;
	/*
	 * listeners (bit = index, the last bit for all beyond) that another worker asks this one to
	 * accept from
	 */
	_Alignas(64) _Atomic uint64_t kick_mask;
	/* whose connection is in hand: kept here, where no stray write to the arena reaches it */
	_Alignas(64) _Atomic uint32_t has_hand;
	uint16_t hand_port;
	struct net hand;
	/* counters and gauges of the worker alone */
	_Alignas(64) _Atomic uint64_t metrics[METRIC_COUNT];
};

struct outcome {
	uint32_t failed; /* 0 or 1 */
	uint32_t took_ms;
	uint32_t workers;
	char message[SCOREBOARD_MESSAGE]; /* why it failed */
};

/*
 * A deed that someone waits for: begun counts starts, done counts ends, so a waiter needs done >=
 * begun as seen before it asked + 1. The last outcome is outcomes[done % 2], written before done
 * rises: the one that a reader copies is overwritten only after done has moved.
 */
struct deed {
	_Atomic uint32_t begun, done;
	struct outcome outcomes[2];
};

enum { SCOREBOARD_CRASHES = 16 };

/* A crash, as the master saw it. */
struct crash_note {
	int64_t at_s; /* time(2) */
	uint32_t worker, pid, signal, hung;
	int64_t age_ms; /* of the connection that was in hand, from here on; "" there was none */
	uint64_t bytes_in, bytes_out;
	char listen[128], service[16], remote[64], state[16], last_call[24];
};

struct scoreboard {
	uint64_t magic;
	uint32_t version, slot_count;
	uint32_t size;          /* bytes of the whole file */
	uint64_t inode, device; /* of the file, so that only its maker removes it */
	_Atomic uint32_t master_pid;
	_Atomic uint32_t generation;
	_Atomic uint32_t folds;      /* odd while scoreboard_fold is at work */
	_Atomic int64_t stop_due_ms; /* clock_ms() when the stop becomes faster; 0: it serves */
	struct deed reload, reopen;
	_Atomic uint64_t totals[METRIC_COUNT]; /* counters of workers that are gone */
	_Atomic uint64_t respawns, crashes, hangs;
	_Atomic uint32_t crash_count; /* crash_notes written; the last one is at count - 1 */
	struct crash_note crash_notes[SCOREBOARD_CRASHES];
	struct penalties penalties;
	struct slot slots[SCOREBOARD_SLOTS];
};

/*
 * Creates the file at path (mode 0644, replacing an older one by rename), maps it and fills the
 * head. NULL with err. The mapping is shared with children. Master only; scoreboard_free unmaps
 * and, when `remove` and the path still leads to it, unlinks.
 */
struct scoreboard *scoreboard_new(const char *path, struct err *err);
void scoreboard_free(struct scoreboard *board, const char *path, bool remove);

/*
 * Maps the file read-only, after checking magic, version and size; NULL with err (CODE_FAILED) that
 * says what is wrong with it. Anyone.
 */
const struct scoreboard *scoreboard_view(const char *path, struct err *err);
void scoreboard_unview(const struct scoreboard *board);

/*
 * The path that belongs to a pid file: its ".pid" replaced by, or the whole followed by,
 * ".scoreboard". text: size bytes. Returns text.
 */
const char *scoreboard_path(const char *pid_file, char *text, size_t size);

/*
 * Adds the counters of a slot whose worker is gone to the totals and zeroes them, gauges and live
 * as well. Master only.
 */
void scoreboard_fold(struct scoreboard *board, struct slot *slot);

/*
 * Sum over totals and all slots: counters never fall, not even while the master folds a slot. Any
 * process.
 */
uint64_t scoreboard_sum(const struct scoreboard *board, enum metric metric);

/* The worker's own counters: relaxed load and store, no locked instruction. One writer. */
static inline void metric_add(struct slot *slot, enum metric metric, uint64_t n)
{
	_Atomic uint64_t *m = &slot->metrics[metric];

	atomic_store_explicit(m, atomic_load_explicit(m, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

#endif
