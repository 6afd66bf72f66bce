/* SPDX-License-Identifier: MIT */
/*
 * What a scoreboard says, as a reader wants it: sums, names and texts of the parts, for the status
 * screen, the JSON, the page and the metrics. Trusts nothing in the board: workers write there, and
 * the file may be another's. Reads only; allocates nothing. Any process.
 */
#ifndef STATS_REPORT_H
#define STATS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "stats/scoreboard.h"
#include "stats/tally.h"

/* From where a board is looked at. */
struct report {
	const struct scoreboard *board;
	int64_t now_ms; /* clock_ms() */
	int64_t now_s;  /* time(2) */
	bool is_alive;  /* the master lives */
	/* who lives there, looked up a moment ago, or NULL: all works without it, but slower */
	const struct tally *crew;
};

/* The crew that the report knows, or the one that it looks up to `here`. */
const struct tally *report_crew(const struct report *report, struct tally *here);

/* From then to now, 0 when one of them cannot be right. */
int64_t report_since(int64_t now, int64_t then);

/* "serving", "stopping" or "dead". */
const char *report_state(const struct report *report);

/* A living worker: one occupied slot. */
struct report_worker {
	unsigned slot, number, generation, pid; /* number: as written, it may be any */
	enum slot_state state;
	int64_t age_s, silent_ms; /* since it was started; since its loop turned */
	int64_t live;
	struct worker_tally tally; /* of all workers of its number, the dead ones included */
	int64_t exited_s;          /* time(2) of the last death under its number, 0: none */
	char last_exit[48];        /* "signal 11 (SEGV), 3m ago", "exit code 1, 2h ago"; "" none */
	bool is_former;            /* another worker with its number has the newer generation */
};

/* Fills *out from the slot; false when nobody lives there. Slots go to SCOREBOARD_SLOTS. */
bool report_worker(const struct report *report, unsigned slot, struct report_worker *out);

/* A word such as "ready"; "unknown" for what is no state. */
const char *report_state_name(uint32_t state);

/* A connection that a draining worker waits for. */
struct report_conn {
	char remote[ADDR_TEXT];
	const char *state; /* open, flushing or lingering */
	char listen[128], service[16];
	int64_t age_ms, idle_ms;
	uint64_t bytes_in, bytes_out;
};

/* The `most` oldest connections of the worker in that slot; returns how many. */
unsigned report_conns(const struct report *report, unsigned slot, struct report_conn *out,
		      unsigned most);

/* A listener: one row that is or was in use. */
struct report_listener {
	char address[128], service[16];
	bool is_gone;                /* not in the configuration in force */
	struct listener_tally tally; /* over all workers */
	struct queue_tally queue;
};
bool report_listener(const struct report *report, unsigned row, struct report_listener *out);

/* Its names alone: 128 and 16 bytes, both "" when there is no such row. False then. */
bool report_listener_name(const struct report *report, unsigned row, char *address, char *service);

/*
 * The crash that is `back` crashes ago (0: the last one), its texts bounded; false: there is none.
 * Of a full ring, here and below, the oldest place is left out: it is the one that is written next.
 */
bool report_crash(const struct report *report, unsigned back, struct crash_note *out);

/* What a worker died of: "SIGSEGV", "hang" or "exit". text: 16 bytes. Returns text. */
const char *report_cause(const struct crash_note *note, char *text);

/* A refused address: its text, until when; false when the place is free or its time is over. */
struct report_penalty {
	char net[ADDR_TEXT];
	uint32_t crashes;
	int64_t left_ms;
};
bool report_penalty(const struct report *report, unsigned place, struct report_penalty *out);

/* The moment and the mark that are `back` ago; false: there is none. */
bool report_moment(const struct report *report, unsigned back, struct moment *out);
bool report_mark(const struct report *report, unsigned back, struct mark *out);
const char *report_mark_name(uint32_t kind); /* start crash hang reload reload_failed unknown */

/* "none", "ok" or "failed", and the outcome that goes with it (zeros for none). */
const char *report_reload(const struct report *report, struct outcome *out);

/* The duration below which `part` (0 to 1) of the values lie, in us; -1 when there are none. */
int64_t report_quantile_us(const struct histogram *h, double part);

/* A value of a row's cell as its unit wants it: 1.5 of 1500000 us. For JSON and metrics. */
void report_value(struct strbuf *text, const struct metric_row *row, uint64_t value);

/* The configuration in force and the server's version, bounded by a NUL. 256 and 16 bytes. */
void report_head(const struct report *report, char *origin, char *program);

/*
 * Long output made in pieces of at most a few KiB each: a list of parts, each so many pieces. A
 * cursor says where it goes on, so that output larger than a buffer is written as there is room.
 */
struct piece {
	unsigned most; /* pieces: indexes 0 .. most - 1 */
	/*
	 * Writes the piece of that index, or nothing when there is none. has_before: an earlier
	 * index of this part has written something (a comma is due).
	 */
	void (*write)(const struct report *report, unsigned index, bool has_before,
		      struct strbuf *text);
	unsigned of_worker; /* behind the first, so many for each number of a worker; 0: by none */
};

struct piece_cursor {
	unsigned part, index;
	bool has_before;
};

/*
 * Writes as many pieces, each whole, as fit; true once the last one is written. A piece that does
 * not fit into an empty text is a defect.
 */
bool report_pieces(const struct report *report, const struct piece *parts, unsigned count,
		   struct piece_cursor *at, struct strbuf *text);

/* The parts of /status.json and of -s status --json; and of /metrics (stats/report_json.c,
 * stats/report_metrics.c). */
extern const struct piece report_json[];
extern const unsigned report_json_count;
extern const struct piece report_metrics[];
extern const unsigned report_metrics_count;

#endif
