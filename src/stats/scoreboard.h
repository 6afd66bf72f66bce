/* SPDX-License-Identifier: MIT */
/*
 * The scoreboard: a file in the runtime directory, mapped by the master and every worker, so that
 * the state of the server can be read without asking anyone. No pointers in it. One writer for each
 * part: the master the head, a worker its slot. A worker cannot write anything else: its slot lies
 * on pages of its own, and the rest it maps from a read-only descriptor (scoreboard_confine). So
 * what the server says of a worker but its own counts and state stands in the head, and a reader of
 * a slot checks the bounds of all that it finds there. Fields are relaxed atomics.
 */
#ifndef STATS_SCOREBOARD_H
#define STATS_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "net/ban.h"
#include "stats/metric.h"

enum {
	SCOREBOARD_SLOTS = 1024,
	SCOREBOARD_WORKERS =
		272, /* numbers of one generation: the most workers, and the spare ones */
	SCOREBOARD_VERSION = 7,
	SCOREBOARD_MESSAGE = 1024,
};

/* A slot is a whole number of these: the largest page that the system may have. */
#if defined(__x86_64__) || defined(__i386__)
#define SCOREBOARD_PAGE 4096
#else
#define SCOREBOARD_PAGE 65536
#endif
#define SCOREBOARD_MAGIC UINT64_C(0x70726566726b7362)

/*
 * A slot's life, written by its worker but for EMPTY and STARTING, which the master writes while no
 * worker lives in it. scoreboard_state reads it.
 */
enum slot_state { SLOT_EMPTY, SLOT_STARTING, SLOT_READY, SLOT_DRAINING, SLOT_LEAVING };

/* Who lives in the slot of the same index. Master's. */
struct slot_info {
	_Atomic uint32_t is_taken; /* 0: nobody does */
	_Atomic uint32_t pid;
	_Atomic uint32_t generation;
	_Atomic uint32_t number;    /* of the worker, as in its title */
	_Atomic int64_t started_ms; /* clock_ms() when forked */
};

/* Where a connection stands in its life, as its worker keeps it. */
enum conn_state { CONN_CLOSED, CONN_OPEN, CONN_FLUSHING, CONN_LINGERING };

struct conn_note {
	struct net remote;
	uint16_t remote_port;
	uint8_t state;    /* enum conn_state */
	uint8_t listener; /* row of the scoreboard's listeners */
	int64_t opened_ms, active_ms;
	uint64_t bytes_in, bytes_out;
};

/* Of a worker that drains: the connections that it waits for, the oldest ones, once a second. */
enum { SLOT_NOTES = 8 };
struct conn_notes {
	_Atomic uint32_t seq; /* odd while they are being written */
	_Atomic uint32_t count;
	struct conn_note list[SLOT_NOTES];
};

struct slot {
	/* in this line is what the other workers confirm a hint with (worker/heritage.h) */
	_Alignas(SCOREBOARD_PAGE) _Atomic uint32_t state;
	_Atomic uint32_t live;        /* connections open now */
	_Atomic uint64_t turns;       /* of its loop */
	_Atomic int64_t heartbeat_ms; /* clock_ms() at the last turn */
	_Atomic uint32_t generation;  /* what the master told it, for its own use */
	/* its CPU and its own socket of each reuse_port listener; from it to its replacement */
	_Atomic uint32_t seat;
	/* the reopen (request.begun) whose log file it writes to; and whether that one failed */
	_Atomic uint32_t log_opened, log_failed;
	/* whose connection is in hand: kept here, where no stray write to the arena reaches it */
	_Alignas(64) _Atomic uint32_t has_hand;
	uint16_t hand_port;
	struct net hand;
	struct conn_notes notes;
	/* the worker's own, but for what the master alone can know of it */
	_Alignas(64) struct worker_tally tally;
};

/* A worker's number over the life of the server: what the dead ones leave. Master's. */
struct past {
	struct worker_tally tally;
	_Atomic int64_t exited_s;     /* time(2) of the last death, 0: there was none */
	_Atomic uint32_t exit_status; /* of it, as waitpid(2) gave it */
};

enum listener_life { LISTENER_NEVER, LISTENER_OPEN, LISTENER_GONE };

/* A listener over the life of the server. Master's. */
struct listener_row {
	_Atomic uint32_t life;
	char address[128], service[16]; /* "other" in the last row; written before life */
	struct queue_tally queue;
};

struct outcome {
	uint32_t failed; /* 0 or 1 */
	uint32_t took_ms;
	uint32_t workers;
	int64_t at_s;                     /* time(2) of its end */
	char message[SCOREBOARD_MESSAGE]; /* why it failed */
};

/*
 * A request that a process waits for: begun counts starts, done counts ends, so a waiter needs done
 * >= begun as seen before it asked + 1. The last outcome is outcomes[done % 2], written before done
 * rises: the one that a reader copies is overwritten only after done has moved.
 */
struct request {
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

/* One second of the server's past. */
struct moment {
	int64_t at_s;
	uint32_t live, waiting;      /* connections open, and in accept queues */
	uint32_t accepted, messages; /* in that second */
};
enum { SCOREBOARD_MOMENTS = 300 };

/* What a reader of the moments wants to see among them. */
enum mark_kind { MARK_START, MARK_CRASH, MARK_HANG, MARK_RELOAD, MARK_RELOAD_FAILED };
struct mark {
	int64_t at_s;
	uint32_t kind, worker; /* enum mark_kind; the number, of a crash or hang */
};
enum { SCOREBOARD_MARKS = 64 };

struct scoreboard {
	uint64_t magic;
	uint32_t version, slot_count;
	uint32_t size;          /* bytes of the whole file */
	uint64_t inode, device; /* of the file, so that only its maker removes it */
	int32_t fd, read_fd; /* the master's descriptors of it; 0: no file is behind the memory */
	_Atomic uint32_t master_pid;
	int64_t started_ms; /* clock_ms() */
	char program[16];   /* the server's version */
	char origin[256];   /* of the configuration in force; changes with a reload */
	/* how many of the slots and of past have ever been dealt out: nobody need look beyond */
	_Atomic uint32_t slots_used, workers_used;
	_Atomic uint32_t folds;      /* odd while scoreboard_fold is at work */
	_Atomic uint32_t has_ended;  /* the master left in order: last of all that it writes */
	_Atomic int64_t stop_due_ms; /* clock_ms() when the stop becomes faster; 0: it serves */
	struct request reload, reopen;
	struct server_tally server;
	struct slot_info infos[SCOREBOARD_SLOTS];
	struct past past[SCOREBOARD_WORKERS];
	struct listener_row listeners[METRIC_LISTENERS];
	_Atomic uint32_t crash_count; /* crash_notes written; the last one is at count - 1 */
	struct crash_note crash_notes[SCOREBOARD_CRASHES];
	struct bans bans;
	_Atomic uint32_t moment_count, mark_count; /* written; the last is at (count - 1) % room */
	struct moment moments[SCOREBOARD_MOMENTS];
	struct mark marks[SCOREBOARD_MARKS];
	struct slot slots[SCOREBOARD_SLOTS];
};

/*
 * Creates the file at path (mode 0644, replacing an older one by rename), maps it and fills the
 * head; path NULL: in memory without a name, which only the server's own processes see. NULL with
 * err. The mapping is shared with children. Slots have no room yet (scoreboard_use). Master only;
 * scoreboard_free unmaps and, when `remove` and the path still leads to it, unlinks.
 */
struct scoreboard *scoreboard_new(const char *path, struct err *err);
void scoreboard_free(struct scoreboard *board, const char *path, bool remove);

/*
 * True when scoreboard_new would succeed at the absolute path, with room for so many slots, as far
 * as looking, and taking the room for a moment, can tell. Leaves nothing behind. False with err.
 */
bool scoreboard_probe(const char *path, unsigned slots, struct err *err);

/*
 * Takes room for the file's first `size` bytes, where the file system can; false with errno when
 * there is none. For the scoreboard's own files.
 */
bool scoreboard_fill(int fd, off_t size);

/*
 * From now on this process, and every one that comes of it, can write that slot and nothing else of
 * the board, which stays where it is. What it does afterwards cannot undo that: the rest is mapped
 * from a descriptor that cannot write (mmap(2)), and, where the kernel can (mseal(2), Linux 6.10),
 * the slot's mapping is sealed, so that it cannot be moved to other parts of the file. The
 * descriptors stay open, for the caller to close. False with errno. In a child of the master.
 */
bool scoreboard_confine(struct scoreboard *board, const struct slot *slot);

/*
 * Maps the file read-only, after checking magic, version and size; NULL with err (CODE_FAILED) that
 * says what is wrong with it. Anyone.
 */
const struct scoreboard *scoreboard_view(const char *path, struct err *err);
void scoreboard_unview(const struct scoreboard *board);

/*
 * Reads the file into *copy, which is the caller's own: whatever becomes of the file afterwards,
 * the copy stays as it is, and its sums wait for nobody. Slots that were never in use are left
 * alone. False with err (CODE_FAILED) that says what is wrong with the file. Anyone.
 */
bool scoreboard_copy(const char *path, struct scoreboard *copy, struct err *err);

/*
 * The path that belongs to a pid file: its ".pid" replaced by, or the whole followed by,
 * ".scoreboard". text: size bytes. Returns text.
 */
const char *scoreboard_path(const char *pid_file, char *text, size_t size);

/* How far slots and past are in use; never more than there are. Any process. */
static inline unsigned scoreboard_slots(const struct scoreboard *board)
{
	uint32_t used = atomic_load_explicit(&board->slots_used, memory_order_acquire);

	return used < SCOREBOARD_SLOTS ? used : SCOREBOARD_SLOTS;
}

static inline unsigned scoreboard_workers(const struct scoreboard *board)
{
	uint32_t used = atomic_load_explicit(&board->workers_used, memory_order_acquire);

	return used < SCOREBOARD_WORKERS ? used : SCOREBOARD_WORKERS;
}

/*
 * From now on these are in use, from the first ones on. False with errno when the file has no room
 * for the slots. Master only.
 */
bool scoreboard_use(struct scoreboard *board, unsigned slots, unsigned workers);

/*
 * The state of a slot below SCOREBOARD_SLOTS: EMPTY when nobody lives there, whatever stands in it,
 * else what its worker has written, SLOT_UNKNOWN when that is no state. Any process.
 */
enum { SLOT_UNKNOWN = SLOT_LEAVING + 1 };
static inline uint32_t scoreboard_state(const struct scoreboard *board, unsigned i)
{
	uint32_t state = atomic_load_explicit(&board->slots[i].state, memory_order_acquire);

	if (atomic_load_explicit(&board->infos[i].is_taken, memory_order_acquire) == 0)
		return SLOT_EMPTY;
	return state > SLOT_EMPTY && state <= SLOT_LEAVING ? state : SLOT_UNKNOWN;
}

/*
 * Folds the cells of a slot whose worker, of that number, is gone into its past. How many
 * connections are open stays: a keeper may hold them. Master only.
 */
void scoreboard_fold(struct scoreboard *board, struct slot *slot, unsigned number);

/*
 * Says how many of the slot's connections are open, by the listener's row (NULL: none), and returns
 * their sum. By its worker, or by the master while it has none.
 */
uint32_t scoreboard_set_live(struct slot *slot, const uint32_t *live);

/*
 * The row in which that listener is counted: the one it has had before, a new one, or the last one
 * when there is none left. A row whose listener is gone, with all workers that counted there, may
 * be given to another: what was counted goes to the last one. Master only.
 */
unsigned scoreboard_enlist(struct scoreboard *board, const char *address, const char *service);

/* Something to remember in the time line, now. Master only. */
void scoreboard_mark(struct scoreboard *board, enum mark_kind kind, unsigned worker);

/* Master only. failure: why it failed, or NULL when all went well. */
void scoreboard_begin_request(struct request *request);
void scoreboard_end_request(struct request *request, const char *failure, int64_t took_ms,
			    unsigned workers);

/* Copies the outcome of the last request, never half of one and half of the next. Any process. */
void scoreboard_read_request(const struct request *request, struct outcome *outcome);

/* closed, open, flushing or lingering; unknown for what is no state. */
const char *scoreboard_conn_state_name(uint32_t state);

#endif
