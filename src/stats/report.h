/* SPDX-License-Identifier: MIT */
/*
 * Reports on a scoreboard: its sums, names and texts, for the status screen, the JSON, the status
 * page and the metrics. A report trusts no value in the scoreboard, because workers write there and
 * another program may have made the file. It only reads, and allocates nothing. Any process.
 */
#ifndef STATS_REPORT_H
#define STATS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "stats/scoreboard.h"
#include "stats/tally.h"

/* A scoreboard and the time at which it is read. */
struct report {
	const struct scoreboard *board;
	int64_t now_ms;            /* clock_ms() */
	int64_t now_s;             /* time(2) */
	bool is_alive;             /* the master lives */
	const struct tally *tally; /* of the board; NULL: made at each use, which is slower */
};

/* Returns the report's tally or, if it has none, one made in `here`. */
const struct tally *report_tally(const struct report *report, struct tally *here);

/* Returns the time from `then` to `now`; 0 when one of them cannot be right. */
int64_t report_since(int64_t now, int64_t then);

/* Returns "serving", "lame_duck", "stopping" or "dead". */
const char *report_state(const struct report *report);

/* Returns the time until lame_duck ends; -1 when the server is not in lame_duck. */
int64_t report_lame_duck_ms(const struct report *report);

/* A living worker: a slot that is taken. */
struct report_worker {
	unsigned slot, number, generation, pid; /* number: as written there, not checked */
	enum slot_state state;
	int64_t age_s, silent_ms;  /* since its start; since the last turn of its loop */
	int64_t live;              /* connections open now */
	struct worker_tally tally; /* of all workers of its number, the dead ones included */
	int64_t exited_s;          /* time(2) of the last exit of a worker of its number; 0: none */
	char last_exit[48];        /* "signal 11 (SEGV), 3m ago", "exit code 1, 2h ago"; "": none */
	bool is_former;            /* a worker of its number and of a newer generation lives */
};

/* Sets *out to the worker of a slot below SCOREBOARD_SLOTS; false when the slot is free. */
bool report_worker(const struct report *report, unsigned slot, struct report_worker *out);

/* Returns the name of an enum slot_state, such as "ready"; "unknown" for any other number. */
const char *report_state_name(uint32_t state);

/* A connection that a draining worker waits for. */
struct report_conn {
	char remote[ADDR_TEXT];
	const char *state; /* open, flushing or lingering */
	char listen[128], service[16];
	int64_t age_ms, idle_ms;
	uint64_t bytes_in, bytes_out;
};

/* Sets out to the `most` oldest connections of the worker in that slot; returns their number. */
unsigned report_conns(const struct report *report, unsigned slot, struct report_conn *out,
		      unsigned most);

/*
 * Returns how many connections of the worker in that slot could not move for that reason. Unlike
 * the metric, it leaves out dead workers of the same number.
 */
uint64_t report_stays(const struct report *report, unsigned slot, enum stay_reason reason);

/*
 * Writes all reasons that occurred in that slot, "2 too_large, 1 no_room", to text (REPORT_STAYS
 * bytes); "" for none. Returns text.
 */
enum { REPORT_STAYS = 384 };
const char *report_stay_list(const struct report *report, unsigned slot, char *text);

/* A listener: a row of the scoreboard that is or was in use. */
struct report_listener {
	char address[128], service[16];
	bool is_gone;                /* not in the configuration in force */
	struct listener_tally tally; /* of all workers */
	struct queue_tally queue;
	uint64_t limits[LIMITS]; /* in the configuration in force, by enum limit; 0: off */
	const char *on_limit;    /* wait, close, reset */
};

/* Sets *out to the listener of a row below METRIC_LISTENERS; false when there is none. */
bool report_listener(const struct report *report, unsigned row, struct report_listener *out);

/* Copies the names alone (128 and 16 bytes). False, and both "", when there is no such listener. */
bool report_listener_name(const struct report *report, unsigned row, char *address, char *service);

/* A source that has as many connections of a listener as max_per_source allows. */
struct report_source {
	char source[ADDR_TEXT]; /* the address or block */
	char listen[128], service[16];
	uint32_t count;
	uint64_t most;
};

/* Sets *out to the source at a place below SCOREBOARD_SOURCES, the fullest at 0; false: none. */
bool report_source(const struct report *report, unsigned index, struct report_source *out);

/* Their parts of the JSON: members of a listener, and an entry of the list full_sources. */
void report_limits_json(const struct report_listener *listener, struct strbuf *text);
void report_source_json(const struct report *report, unsigned index, bool has_before,
			struct strbuf *text);

/* A program: a row of the scoreboard that is or was in use. */
struct report_program {
	char title[64];
	bool is_gone;               /* not in the configuration in force */
	struct program_tally tally; /* of all its copies */
	char last_exit[48];         /* as in struct report_worker */
};

/* Sets *out to the program of a row below SCOREBOARD_PROGRAMS; false when there is none. */
bool report_program(const struct report *report, unsigned row, struct report_program *out);

/* A living copy of a program. */
struct report_copy {
	char program[64];
	unsigned number, pid, generation, restarts; /* pid 0: it waits for its next start */
	const char *state;                          /* waiting, starting, ready, hung, stopping */
	int64_t age_s;
	uint64_t cpu_us, memory_bytes;
	char last_exit[48]; /* as in struct report_worker */
	char status[64];    /* its STATUS= of sd_notify(3) */
};

/* Sets *out to the copy of a row below SCOREBOARD_COPIES; false when there is none. */
bool report_copy(const struct report *report, unsigned row, struct report_copy *out);

/* A server of an upstream: a row of the scoreboard that is or was in use. */
struct report_server {
	char upstream[64], address[ADDR_TEXT];
	bool is_gone; /* not in the configuration in force */
	bool is_backup;
	/* up, failed, check_failed, unresolved, drained, down (in the configuration) or gone */
	const char *state;
	const char *why; /* the ending of its last failure; "" for none */
	int64_t since_s; /* for how long that is its state; 0: not known */
	uint32_t weight;
	unsigned names;       /* addresses in use of a server that has a name */
	int64_t unresolved_s; /* for how long lookups fail; 0: they do not */
	struct upstream_tally tally;
};

/* Sets *out to the server of a row below SCOREBOARD_SERVERS; false when there is none. */
bool report_server(const struct report *report, unsigned row, struct report_server *out);

/* False for a server that is gone and has no connection left: there is nothing to show of it. */
bool report_server_is_used(const struct report_server *server);

/*
 * Writes an end and when it was, "signal 11 (SEGV), 3m ago", to text (REPORT_EXIT bytes); "" when
 * exited_s is 0. Returns text.
 */
enum { REPORT_EXIT = 48 };
const char *report_exit(const struct report *report, uint32_t status, int64_t exited_s, char *text);

/*
 * Copies the name of a cell of module_counts_total of that row (METRIC_COUNTER_NAME bytes). False,
 * and "", when the cell has none.
 */
bool report_counter_name(const struct report *report, unsigned row, unsigned cell, char *name);

/*
 * Copies the crash that is `back` crashes ago (0: the last one), its texts ended by a NUL; false:
 * there is none. The oldest place of a full ring, here and below, is not read: it is the next to be
 * written.
 */
bool report_crash(const struct report *report, unsigned back, struct crash_note *out);

/* Writes the cause of a crash, "SIGSEGV", "hang" or "exit", to text (16 bytes). Returns text. */
const char *report_cause(const struct crash_note *note, char *text);

/* A banned address. */
struct report_ban {
	char net[ADDR_TEXT]; /* the address, or the network of an IPv6 client */
	uint32_t crashes;    /* crashes with a connection of the address in hand */
	int64_t left_ms;     /* until the ban ends */
};

/* Sets *out to the ban in a place below BAN_PLACES; false when there is none, or it has ended. */
bool report_ban(const struct report *report, unsigned place, struct report_ban *out);

/* Copy the moment (a second of the time line) and the mark that are `back` ago; false: none is. */
bool report_moment(const struct report *report, unsigned back, struct moment *out);
bool report_mark(const struct report *report, unsigned back, struct mark *out);
const char *report_mark_name(uint32_t kind); /* start crash hang reload reload_failed unknown */

/* Returns "none", "ok" or "failed" for the last reload; *out: its outcome (zeros for none). */
const char *report_reload(const struct report *report, struct outcome *out);

/*
 * Writes what a reload did with connections, "9,812 connections moved, 3 finish in old workers", to
 * text (REPORT_MOVES bytes). Returns text.
 */
enum { REPORT_MOVES = 96 };
const char *report_moves(const struct outcome *outcome, char *text);

/* Returns the time in us below which `part` (0 to 1) of the values lie; -1 without values. */
int64_t report_quantile_us(const struct histogram *h, double part);

/* Writes the value of a cell in the unit of its row: 1.5 for 1500000 us. For JSON and metrics. */
void report_value(struct strbuf *text, const struct metric_row *row, uint64_t value);

/*
 * Copies the origin of the configuration in force (256 bytes) and the version of the server (16
 * bytes), each ended by a NUL.
 */
void report_head(const struct report *report, char *origin, char *program);

/*
 * Long output is a list of parts, each of a number of pieces of at most a few KiB. A cursor keeps
 * the place where the output continues, so that it can be larger than the buffer that it is written
 * to.
 */
struct piece {
	unsigned most; /* number of pieces: indexes 0 .. most - 1 */
	/*
	 * Writes the piece of that index, or nothing when it is empty. has_before: an earlier piece
	 * of this part was not empty (a comma is due).
	 */
	void (*write)(const struct report *report, unsigned index, bool has_before,
		      struct strbuf *text);
	unsigned of_worker; /* pieces for each worker number, after piece 0; 0: most holds */
};

struct piece_cursor {
	unsigned part, index;
	bool has_before;
};

/*
 * Writes as many whole pieces as fit; true once the last one is written. A piece that does not fit
 * into an empty text is a bug.
 */
bool report_pieces(const struct report *report, const struct piece *parts, unsigned count,
		   struct piece_cursor *at, struct strbuf *text);

/* The parts of /status.json and -s status --json, and of /metrics. */
extern const struct piece report_json[];
extern const unsigned report_json_count;
extern const struct piece report_metrics[];
extern const unsigned report_metrics_count;

#endif
