/* SPDX-License-Identifier: MIT */
/*
 * The scoreboard: a file in the runtime directory, mapped by the master and every worker, so that
 * the server's state can be read without a request to any process. It holds no pointers. Each part
 * has one writer: the master writes the head, a worker its slot. A worker cannot write anything
 * else: its slot has pages of its own, and the rest is mapped from a read-only descriptor
 * (scoreboard_confine). So the head holds everything about a worker except its own counts and
 * state, and a reader of a slot checks the bounds of every value in it. Fields are relaxed atomics.
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
#include "stats/program_rows.h"
#include "stats/server_rows.h"
#include "stats/slot.h"

enum {
	SCOREBOARD_WORKERS = 272, /* numbers of one generation: maximum of workers, plus spares */
	SCOREBOARD_VERSION = 18,
	SCOREBOARD_MESSAGE = 1024,
};

#define SCOREBOARD_MAGIC UINT64_C(0x70726566726b7362)

/*
 * The counts of the dead workers with one number, over the life of the server. Written by the
 * master.
 */
struct past {
	struct worker_tally tally;
	_Atomic int64_t exited_s;     /* time(2) of the last death; 0: none */
	_Atomic uint32_t exit_status; /* its status from waitpid(2) */
};

/* The limits of a listener (tables/options.def); 0: off. */
struct listener_limits {
	_Atomic uint64_t values[LIMITS]; /* by enum limit */
	_Atomic uint32_t on_limit;       /* enum on_limit */
};

/* A source that has as many connections of a listener as it may have. */
enum { SCOREBOARD_SOURCES = 16 };
struct full_source {
	struct net source;
	uint32_t listener; /* row */
	uint32_t count;
};

/* Written by the master once a second, the fullest source first. */
struct full_sources {
	_Atomic uint32_t seq; /* odd while the master writes them */
	_Atomic uint32_t count;
	struct full_source list[SCOREBOARD_SOURCES];
};

enum listener_life { LISTENER_NEVER, LISTENER_OPEN, LISTENER_GONE };

/* A listener over the life of the server. Written by the master. */
struct listener_row {
	_Atomic uint32_t life;
	_Atomic uint32_t lent;          /* as in struct listener */
	char address[128], service[16]; /* "other" in the last row; written before life */
	/* names of the cells of module_counts_total; "": not in use. A name stays with its row */
	char counters[METRIC_NAMED][METRIC_COUNTER_NAME];
	struct queue_tally queue;
	struct listener_limits limits; /* as in the configuration in force */
};

struct outcome {
	uint32_t failed; /* 0 or 1 */
	uint32_t took_ms;
	uint32_t workers;
	uint32_t moved, staying; /* connections that moved to new workers, and that could not */
	int64_t at_s;            /* time(2) of its end */
	char message[SCOREBOARD_MESSAGE]; /* reason of the failure */
};

/*
 * A request that a process waits for: begun counts starts, done counts ends. A waiter waits until
 * done is at least 1 + begun as read before its request. The last outcome is outcomes[done % 2],
 * written before done rises: the outcome that a reader copies is overwritten only after done has
 * moved.
 */
struct request {
	_Atomic uint32_t begun, done;
	_Atomic int64_t due_ms; /* clock_ms() at which the last one begun has ended; 0: not known */
	struct outcome outcomes[2];
};

enum { SCOREBOARD_CRASHES = 16 };

/* A crash, as recorded by the master. */
struct crash_note {
	int64_t at_s; /* time(2) */
	uint32_t worker, pid, signal, hung;
	int64_t age_ms; /* this and below: the connection in hand; "" for none */
	uint64_t bytes_in, bytes_out;
	char listen[128], service[16], remote[64], state[16], last_call[24];
};

/* One second of the server's history. */
struct moment {
	int64_t at_s;
	uint32_t live, waiting;      /* open connections; connections in accept queues */
	uint32_t accepted, messages; /* within that second */
};
enum { SCOREBOARD_MOMENTS = 300 };

/* Events shown among the moments. */
enum mark_kind { MARK_START, MARK_CRASH, MARK_HANG, MARK_RELOAD, MARK_RELOAD_FAILED };
struct mark {
	int64_t at_s;
	uint32_t kind, worker; /* enum mark_kind; the worker's number for a crash or hang */
};
enum { SCOREBOARD_MARKS = 64 };

struct scoreboard {
	uint64_t magic;
	uint32_t version, slot_count;
	uint32_t size;          /* bytes of the whole file */
	uint64_t inode, device; /* of the file, so that only its creator removes it */
	int32_t fd, read_fd;    /* the master's descriptors of it; 0: the memory has no file */
	_Atomic uint32_t master_pid;
	int64_t started_ms; /* clock_ms() */
	char program[16];   /* the server's version */
	char origin[256];   /* of the configuration in force; changes with a reload */
	/* numbers of slots and of past entries used so far: readers stop there */
	_Atomic uint32_t slots_used, workers_used;
	_Atomic uint32_t servers_used; /* likewise of servers of upstreams */
	_Atomic uint32_t folds;        /* odd while scoreboard_fold runs */
	_Atomic uint32_t has_ended;    /* the master exited cleanly: its last write */
	/* clock_ms() when the stop becomes fast; 0: not told to stop */
	_Atomic int64_t stop_due_ms;
	_Atomic int64_t lame_duck_until_ms; /* clock_ms() when it ends; 0: not in lame_duck */
	struct request reload, reopen;
	struct server_tally server;
	struct slot_info infos[SCOREBOARD_SLOTS];
	struct listener_row listeners[METRIC_LISTENERS];
	struct program_row programs[SCOREBOARD_PROGRAMS];
	struct copy_row copies[SCOREBOARD_COPIES];
	struct server_row server_rows[SCOREBOARD_SERVERS];
	_Atomic uint32_t crash_count; /* crash_notes written; the last one is at count - 1 */
	struct crash_note crash_notes[SCOREBOARD_CRASHES];
	struct bans bans;
	struct full_sources sources;
	_Atomic uint32_t moment_count, mark_count; /* written; the last is at (count - 1) % size */
	struct moment moments[SCOREBOARD_MOMENTS];
	struct mark marks[SCOREBOARD_MARKS];
	/* what was never in use of the following takes no memory (scoreboard_use) */
	_Alignas(SCOREBOARD_PAGE) struct server_names server_names[SCOREBOARD_SERVERS];
	_Alignas(SCOREBOARD_PAGE) struct server_shared servers[SCOREBOARD_SERVERS];
	_Alignas(SCOREBOARD_PAGE) struct past past[SCOREBOARD_WORKERS];
	struct slot slots[SCOREBOARD_SLOTS];
};

/*
 * Creates the file at path (mode 0644, replacing an older one by rename), maps it and fills the
 * head. With path NULL it is memory without a name, visible only to the server's own processes.
 * Returns NULL with err. The mapping is shared with children. Slots and past entries have no space
 * yet (scoreboard_use). scoreboard_free unmaps; with `remove` it also unlinks path if that still
 * leads to the file. Master only.
 */
struct scoreboard *scoreboard_new(const char *path, struct err *err);
void scoreboard_free(struct scoreboard *board, const char *path, bool remove);

/*
 * True when scoreboard_new would succeed at the absolute path with space for that many workers,
 * according to stat and a temporary allocation. Leaves no file behind. Returns false with err.
 */
bool scoreboard_probe(const char *path, unsigned workers, struct err *err);

/*
 * Allocates `size` bytes of the file from that offset on, where the file system supports that.
 * Returns false with errno set when there is no space. Only for the scoreboard's files.
 */
bool scoreboard_fill(int fd, off_t from, off_t size);

/* A part of the board that a process may write, in pages of its own. */
struct scoreboard_part {
	size_t from, size;
};

/* The slot; what all workers write of servers; the addresses of servers that have names. */
struct scoreboard_part scoreboard_part_slot(const struct scoreboard *board,
					    const struct slot *slot);
struct scoreboard_part scoreboard_part_servers(void);
struct scoreboard_part scoreboard_part_names(void);

/*
 * Restricts this process, and all its children, to writing those parts of the board, which keep
 * their addresses; they are in the order of the board. The process cannot undo this: the rest is
 * mapped from a descriptor that cannot write (mmap(2)), and, with mseal(2) (Linux 6.10), the
 * mappings of the parts are sealed, so that they cannot be moved to other parts of the file. The
 * descriptors stay open, for the caller to close. Returns false with errno set. In a child of the
 * master.
 */
bool scoreboard_confine(struct scoreboard *board, const struct scoreboard_part *parts,
			unsigned count);

/*
 * Maps the file read-only, after checking magic, version and size. Returns NULL with err
 * (CODE_FAILED), which names the problem. Any process.
 */
const struct scoreboard *scoreboard_view(const char *path, struct err *err);
void scoreboard_unview(const struct scoreboard *board);

/*
 * Reads the file into *copy, which the caller owns: later changes of the file do not affect the
 * copy, and its sums wait for no process. Slots and past entries that were never in use are not
 * filled. Returns false with err (CODE_FAILED), which names the problem. Any process.
 */
bool scoreboard_copy(const char *path, struct scoreboard *copy, struct err *err);

/*
 * Writes the path that belongs to a pid file: ".scoreboard" replaces its ".pid" or is appended.
 * text has size bytes. Returns text.
 */
const char *scoreboard_path(const char *pid_file, char *text, size_t size);

/* The numbers of slots and past entries used so far, at most the array sizes. Any process. */
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

static inline unsigned scoreboard_servers(const struct scoreboard *board)
{
	uint32_t used = atomic_load_explicit(&board->servers_used, memory_order_acquire);

	return used < SCOREBOARD_SERVERS ? used : SCOREBOARD_SERVERS;
}

/* Marks the first `servers` rows as used; otherwise as scoreboard_use. Master only. */
bool scoreboard_use_servers(struct scoreboard *board, unsigned servers);

/*
 * Marks the first `slots` slots and the first `workers` numbers as used. Returns false with errno
 * set when the file has no space for them. Master only.
 */
bool scoreboard_use(struct scoreboard *board, unsigned slots, unsigned workers);

/*
 * Returns the state of a slot below SCOREBOARD_SLOTS: EMPTY when no worker is in it, regardless of
 * its content; otherwise the state that its worker wrote, or SLOT_UNKNOWN for an invalid one. Any
 * process.
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
 * Folds the cells of a slot into the past of `number`, whose worker is gone. The number of open
 * connections stays: a keeper may hold them. Master only.
 */
void scoreboard_fold(struct scoreboard *board, struct slot *slot, unsigned number);

/*
 * Sets the slot's numbers of open connections, by the listener's row (NULL: none), and their sum;
 * none of them waits. For its worker, or the master while it has none.
 */
void scoreboard_set_live(struct slot *slot, const uint32_t *live);

/*
 * Writes the slot's notes on connections, at most SLOT_NOTES, whatever an earlier worker has left
 * there; count 0: none. For its worker.
 */
void scoreboard_set_notes(struct slot *slot, const struct conn_note *list, unsigned count);

/*
 * Returns the row of that listener: its earlier row, a new one, or the last one when none is left.
 * A row whose listener is gone, with all workers that counted there, may be given to another
 * listener; its counts go to the last row. Master only.
 */
unsigned scoreboard_enlist(struct scoreboard *board, const char *address, const char *service);

/*
 * Gives each of the names ("": none), whose number is `count`, a cell of its own in the row. The
 * last row has none. Returns false when there are too many, beside those of earlier modules. Master
 * only.
 */
bool scoreboard_name_counters(struct scoreboard *board, unsigned row,
			      char (*names)[METRIC_COUNTER_NAME], unsigned count);

/* Adds a mark to the time line, now. Master only. */
void scoreboard_mark(struct scoreboard *board, enum mark_kind kind, unsigned worker);

/*
 * Start and end of a request. failure is the reason, or NULL for success; moved and staying are
 * those of a reload, otherwise 0. Master only.
 */
void scoreboard_begin_request(struct request *request);
void scoreboard_end_request(struct request *request, const char *failure, int64_t took_ms,
			    unsigned workers, unsigned moved, unsigned staying);

/* The request under way takes longer than usual: it has ended at due_ms. Master only. */
void scoreboard_delay_request(struct request *request, int64_t due_ms);

/*
 * Returns when the request of that count (`begun` has reached it, or will) has ended at the latest:
 * usual_ms, or what the one under way needs and usual_each_ms for each of those after it. Any
 * process.
 */
int64_t scoreboard_request_due_ms(const struct request *request, uint32_t wanted,
				  int64_t usual_each_ms, int64_t usual_ms);

/* Copies the outcome of the last request, never parts of two outcomes. Any process. */
void scoreboard_read_request(const struct request *request, struct outcome *outcome);

/* Writes the sources, SCOREBOARD_SOURCES at most. Master only. */
void scoreboard_set_sources(struct scoreboard *board, const struct full_source *list,
			    unsigned count);

/* "closed", "preface", "waiting", "open", "flushing", "lingering"; "unknown": an invalid state. */
const char *scoreboard_conn_state_name(uint32_t state);

#endif
