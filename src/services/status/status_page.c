/* SPDX-License-Identifier: MIT */
/*
 * The status page: its tables with their columns, and the order of all parts. The files in
 * src/services/status/page determine its looks and its refresh. The status service calls the
 * pieces.
 */
#include "services/status/status_page.h"

#include <stdio.h>
#include <string.h>

#include "services/status/html.h"
#include "services/status/status_facts.h"

enum { SLICE = 4096, SLICES = 12, MARKS_SHOWN = 8, WAITS_SHOWN = 3 };

#define ROWS_OF(columns) (sizeof(columns) / sizeof((columns)[0]))

/* The parameters of a piece's function. */
#define PIECE const struct report *report, unsigned index, bool has_before, struct strbuf *text

static struct html_moment since(const struct report *report, int64_t at_s)
{
	return (struct html_moment){ at_s, report->now_s };
}

static struct html_share share(uint64_t value, uint64_t most)
{
	return (struct html_share){ value, most };
}

/* --- Tables: for each its columns, and the piece of a row --- */

#define MARKS(COLUMN)                                              \
	COLUMN("at", "When", ago, since(report, mark.at_s))        \
	COLUMN("kind", "What", state, report_mark_name(mark.kind)) \
	COLUMN("who", "Worker", word, who)

static void row_marks(const struct report *report, unsigned index, struct strbuf *text)
{
	struct mark mark;
	char who[16] = "";

	if (!report_mark(report, index, &mark))
		return;
	if (mark.kind == MARK_CRASH || mark.kind == MARK_HANG)
		snprintf(who, sizeof(who), "%u", mark.worker);
	HTML_ROW(MARKS);
}

#define OF_WORKER(name) metric_sum(&w.tally, METRIC_##name)

#define WORKERS(COLUMN)                                                                      \
	COLUMN("worker", "Worker", id, w.number)                                             \
	COLUMN("state", "State", state, report_state_name(w.state))                          \
	COLUMN("live", "Open", count, (uint64_t)w.live)                                      \
	COLUMN("connections_accepted_total", "Accepted", count,                              \
	       OF_WORKER(connections_accepted_total))                                        \
	COLUMN("messages_total", "Requests", count, OF_WORKER(messages_total))               \
	COLUMN("bytes_in_total", "Received", bytes, OF_WORKER(bytes_in_total))               \
	COLUMN("bytes_out_total", "Sent", bytes, OF_WORKER(bytes_out_total))                 \
	COLUMN("worker_cpu_seconds_total", "CPU time", latency,                              \
	       (int64_t)OF_WORKER(worker_cpu_seconds_total))                                 \
	COLUMN("worker_memory_bytes", "Memory", bytes, OF_WORKER(worker_memory_bytes))       \
	COLUMN("worker_respawns_total", "Respawns", count, OF_WORKER(worker_respawns_total)) \
	COLUMN("age_seconds", "Age", seconds, w.age_s)                                       \
	COLUMN("generation", "Generation", count, w.generation)                              \
	COLUMN("pid", "Process", id, w.pid)                                                  \
	COLUMN("last_exit", "Last exit", word, w.last_exit)

static void row_workers(const struct report *report, unsigned index, struct strbuf *text)
{
	static struct report_worker w; /* written by this process only; too large for a stack */

	if (report_worker(report, index, &w))
		HTML_ROW(WORKERS);
}

#define MOVES(COLUMN)                                                                     \
	COLUMN("worker", "Worker", id, w.number)                                          \
	COLUMN("cause", "Cause", word, move_cause_name(i))                                \
	COLUMN("in", "Moved in", count, cell_get(&w.tally.connections_moved_in_total[i])) \
	COLUMN("out", "Moved out", count, cell_get(&w.tally.connections_moved_out_total[i]))

/* A former worker's counts are those of its successor. */
static void row_moves(const struct report *report, unsigned index, struct strbuf *text)
{
	static struct report_worker w; /* written by this process only; too large for a stack */

	if (!report_worker(report, index, &w) || w.is_former)
		return;
	for (unsigned i = 0; i < MOVE_CAUSES; i++)
		if (cell_get(&w.tally.connections_moved_in_total[i]) > 0 ||
		    cell_get(&w.tally.connections_moved_out_total[i]) > 0)
			HTML_ROW(MOVES);
}

#define WAITS(COLUMN)                                                       \
	COLUMN("worker", "Worker", id, w.number)                            \
	COLUMN("remote", "Client", word, conn->remote)                      \
	COLUMN("listen", "Listener", word, conn->listen)                    \
	COLUMN("service", "Service", word, conn->service)                   \
	COLUMN("state", "State", word, conn->state)                         \
	COLUMN("age_seconds", "Age", seconds, conn->age_ms / 1000)          \
	COLUMN("idle_seconds", "Silent for", seconds, conn->idle_ms / 1000) \
	COLUMN("bytes_in", "Received", bytes, conn->bytes_in)               \
	COLUMN("bytes_out", "Sent", bytes, conn->bytes_out)

static void row_waits(const struct report *report, unsigned index, struct strbuf *text)
{
	static struct report_worker w; /* written by this process only; too large for a stack */
	struct report_conn conns[WAITS_SHOWN];
	unsigned count;

	if (!report_worker(report, index, &w) || w.state != SLOT_DRAINING)
		return;
	count = report_conns(report, index, conns, WAITS_SHOWN);
	for (const struct report_conn *conn = conns; conn < conns + count; conn++)
		HTML_ROW(WAITS);
}

#define STAYS(COLUMN)                                         \
	COLUMN("worker", "Worker", id, w.number)              \
	COLUMN("reason", "Reason", word, stay_reason_name(i)) \
	COLUMN("connections", "Connections", count, count)

static void row_stays(const struct report *report, unsigned index, struct strbuf *text)
{
	static struct report_worker w; /* written by this process only; too large for a stack */

	if (!report_worker(report, index, &w) || w.state != SLOT_DRAINING)
		return;
	for (unsigned i = 0; i < STAY_REASONS; i++) {
		uint64_t count = report_stays(report, index, i);

		if (count > 0)
			HTML_ROW(STAYS);
	}
}

#define OF_LISTENER(name) cell_get(&l.tally.name)
#define OF_QUEUE(name)    cell_get(&l.queue.name)

#define LISTENERS(COLUMN)                                                                      \
	COLUMN("address", "Address", word, l.address)                                          \
	COLUMN("service", "Service", word, l.service)                                          \
	COLUMN("life", "State", state, l.is_gone ? "closed" : "open")                          \
	COLUMN("connections_live", "Open", count, OF_LISTENER(connections_live))               \
	COLUMN("connections_accepted_total", "Accepted", count,                                \
	       OF_LISTENER(connections_accepted_total))                                        \
	COLUMN("connections_refused_total", "Refused", count,                                  \
	       OF_LISTENER(connections_refused_total))                                         \
	COLUMN("connections_waiting", "Waiting", count, OF_LISTENER(connections_waiting))      \
	COLUMN("messages_total", "Requests", count, OF_LISTENER(messages_total))               \
	COLUMN("accept_queue_length accept_queue_limit", "Accept queue", meter,                \
	       share(OF_QUEUE(accept_queue_length), OF_QUEUE(accept_queue_limit)))             \
	COLUMN("accept_queue_highest", "Longest queue", count, OF_QUEUE(accept_queue_highest)) \
	COLUMN("accept_queue_dropped_segments_total", "Dropped segments", count,               \
	       OF_QUEUE(accept_queue_dropped_segments_total))

static void row_listeners(const struct report *report, unsigned index, struct strbuf *text)
{
	struct report_listener l;

	if (report_listener(report, index, &l))
		HTML_ROW(LISTENERS);
}

#define LIMIT_COLUMNS(COLUMN)                                                         \
	COLUMN("address", "Address", word, l.address)                                 \
	COLUMN("limit", "Limit", word, limit_name(limit))                             \
	COLUMN("most", "Value", count, l.limits[limit])                               \
	COLUMN("reached", "Reached", count, OF_LISTENER(limits_reached_total[limit])) \
	COLUMN("on_limit", "On limit", word, l.on_limit)

/* A row for each limit that a listener has. */
static void row_limits(const struct report *report, unsigned index, struct strbuf *text)
{
	enum limit limit = index % LIMITS;
	struct report_listener l;

	if (report_listener(report, index / LIMITS, &l) && l.limits[limit] > 0)
		HTML_ROW(LIMIT_COLUMNS);
}

#define SOURCES(COLUMN)                              \
	COLUMN("source", "Source", word, s.source)   \
	COLUMN("listen", "Listener", word, s.listen) \
	COLUMN("connections", "Connections", count, s.count)

static void row_sources(const struct report *report, unsigned index, struct strbuf *text)
{
	struct report_source s;

	if (report_source(report, index, &s))
		HTML_ROW(SOURCES);
}

#define COUNTERS(COLUMN)                            \
	COLUMN("address", "Address", word, address) \
	COLUMN("name", "Counter", word, name)       \
	COLUMN("count", "Count", count, cell_get(&sum.module_counts_total[cell]))

/* A row for each place of a counter. */
static void row_counters(const struct report *report, unsigned index, struct strbuf *text)
{
	unsigned row = index / METRIC_NAMED, cell = index % METRIC_NAMED;
	char address[128], service[16], name[METRIC_COUNTER_NAME];
	struct listener_tally sum;
	struct tally here;

	if (!report_counter_name(report, row, cell, name))
		return;
	report_listener_name(report, row, address, service);
	tally_listener(report_tally(report, &here), report->board, row, &sum);
	HTML_ROW(COUNTERS);
}

#define OF_PROGRAM(name) cell_get(&p.tally.name)

#define PROGRAMS(COLUMN)                                                                        \
	COLUMN("program", "Program", word, p.title)                                             \
	COLUMN("life", "State", state, p.is_gone ? "removed" : "running")                       \
	COLUMN("program_copies_ready program_copies", "Copies ready", share,                    \
	       share(OF_PROGRAM(program_copies_ready), OF_PROGRAM(program_copies)))             \
	COLUMN("program_starts_total", "Starts", count, OF_PROGRAM(program_starts_total))       \
	COLUMN("program_crashes_total", "Ended or killed", count,                               \
	       OF_PROGRAM(program_crashes_total))                                               \
	COLUMN("program_recycled_total", "Replaced", count, OF_PROGRAM(program_recycled_total)) \
	COLUMN("program_output_lost_total", "Lost lines", count,                                \
	       OF_PROGRAM(program_output_lost_total))                                           \
	COLUMN("program_cpu_seconds_total", "CPU time", latency,                                \
	       (int64_t)OF_PROGRAM(program_cpu_seconds_total))                                  \
	COLUMN("last_exit", "Last exit", word, p.last_exit)

static void row_programs(const struct report *report, unsigned index, struct strbuf *text)
{
	struct report_program p;

	if (report_program(report, index, &p))
		HTML_ROW(PROGRAMS);
}

/* COPIES_PROCESS: what a copy that waits for its next start does not have. */
#define COPIES(COLUMN) COPIES_NAME(COLUMN) COPIES_PROCESS(COLUMN) COPIES_REST(COLUMN)
#define COPIES_NAME(COLUMN)                           \
	COLUMN("program", "Program", word, c.program) \
	COLUMN("copy", "Copy", id, c.number)          \
	COLUMN("state", "State", state, c.state)
#define COPIES_PROCESS(COLUMN)                                        \
	COLUMN("pid", "Process", id, c.pid)                           \
	COLUMN("age_seconds", "Age", seconds, c.age_s)                \
	COLUMN("cpu_seconds", "CPU time", latency, (int64_t)c.cpu_us) \
	COLUMN("memory_bytes", "Memory", bytes, c.memory_bytes)
#define COPIES_REST(COLUMN)                                     \
	COLUMN("restarts", "Restarts", count, c.restarts)       \
	COLUMN("last_exit", "Last exit", word, c.last_exit)     \
	COLUMN("generation", "Generation", count, c.generation) \
	COLUMN("status", "Status", word, c.status)

#define WAITING_COPIES(COLUMN) COPIES_NAME(COLUMN) COPIES_PROCESS(HTML_NO_VALUE) COPIES_REST(COLUMN)

static void row_copies(const struct report *report, unsigned index, struct strbuf *text)
{
	struct report_copy c;

	if (!report_copy(report, index, &c))
		return;
	if (c.pid == 0)
		HTML_ROW(WAITING_COPIES);
	else
		HTML_ROW(COPIES);
}

#define CRASHES(COLUMN)                                               \
	COLUMN("at", "When", ago, since(report, note.at_s))           \
	COLUMN("worker", "Worker", id, note.worker)                   \
	COLUMN("cause", "Cause", word, report_cause(&note, cause))    \
	COLUMN("service", "Service", word, note.service)              \
	COLUMN("remote", "Client in hand", word, note.remote)         \
	COLUMN("state", "State", word, note.state)                    \
	COLUMN("last_call", "Last system call", word, note.last_call) \
	COLUMN("bytes_in", "Received", bytes, note.bytes_in)          \
	COLUMN("bytes_out", "Sent", bytes, note.bytes_out)

static void row_crashes(const struct report *report, unsigned index, struct strbuf *text)
{
	struct crash_note note;
	char cause[16];

	if (report_crash(report, index, &note))
		HTML_ROW(CRASHES);
}

#define PENALTIES(COLUMN)                              \
	COLUMN("address", "Address", word, p.net)      \
	COLUMN("crashes", "Crashes", count, p.crashes) \
	COLUMN("left_seconds", "Refused for", seconds, p.left_ms / 1000)

static void row_penalties(const struct report *report, unsigned index, struct strbuf *text)
{
	struct report_ban p;

	if (report_ban(report, index, &p))
		HTML_ROW(PENALTIES);
}

/* --- The pieces --- */

static void put_slice(const struct page_text *part, unsigned index, struct strbuf *text)
{
	size_t at = (size_t)index * SLICE;

	if (at < part->length)
		strbuf_put(text, part->bytes + at,
			   part->length - at < SLICE ? part->length - at : SLICE);
}

/* TABLE(name, caption, columns, most): in the order of the page, with at most `most` rows. */
#define TABLES(TABLE)                                                                      \
	TABLE(marks, "Crashes and reloads", MARKS, MARKS_SHOWN)                            \
	TABLE(workers, "Workers", WORKERS, SCOREBOARD_SLOTS)                               \
	TABLE(moves, "Connections moved between workers", MOVES, SCOREBOARD_SLOTS)         \
	TABLE(waits, "Connections that leaving workers wait for", WAITS, SCOREBOARD_SLOTS) \
	TABLE(stays, "Connections that could not move", STAYS, SCOREBOARD_SLOTS)           \
	TABLE(listeners, "Listeners", LISTENERS, METRIC_LISTENERS)                         \
	TABLE(limits, "Limits of listeners", LIMIT_COLUMNS, METRIC_LISTENERS *LIMITS)      \
	TABLE(sources, "Sources at their limit", SOURCES, SCOREBOARD_SOURCES)              \
	TABLE(counters, "What modules count", COUNTERS, METRIC_LISTENERS *METRIC_NAMED)    \
	TABLE(programs, "Programs", PROGRAMS, SCOREBOARD_PROGRAMS)                         \
	TABLE(copies, "Copies of programs", COPIES, SCOREBOARD_COPIES)                     \
	TABLE(crashes, "What crashes had in hand", CRASHES, SCOREBOARD_CRASHES)            \
	TABLE(penalties, "Refused addresses", PENALTIES, BAN_PLACES)

/* The piece behind the last row writes "None" if there was none. */
#define TABLE_PIECES(name, caption, columns, most)                                              \
	static const struct html_column columns_##name[] = { columns(HTML_COLUMN) };            \
	static void open_##name(PIECE)                                                          \
	{                                                                                       \
		(void)report;                                                                   \
		(void)index;                                                                    \
		(void)has_before;                                                               \
		html_table_open(text, #name, caption, columns_##name, ROWS_OF(columns_##name)); \
	}                                                                                       \
	static void rows_##name(PIECE)                                                          \
	{                                                                                       \
		if (index < (most))                                                             \
			row_##name(report, index, text);                                        \
		else if (!has_before)                                                           \
			html_table_none(text, ROWS_OF(columns_##name));                         \
	}                                                                                       \
	static void after_##name(PIECE)                                                         \
	{                                                                                       \
		(void)report;                                                                   \
		(void)has_before;                                                               \
		if (index == 0)                                                                 \
			html_table_close(text);                                                 \
		else                                                                            \
			put_slice(&page_after_##name, index - 1, text);                         \
	}

TABLES(TABLE_PIECES)

#define FIXED(name)                                   \
	static void fixed_##name(PIECE)               \
	{                                             \
		(void)report;                         \
		(void)has_before;                     \
		put_slice(&page_##name, index, text); \
	}

FIXED(top)
FIXED(after_facts)
FIXED(after_setup)

#define TABLE_ROWS(name, caption, columns, rows)                                           \
	{ .most = 1, .write = open_##name }, { .most = (rows) + 1, .write = rows_##name }, \
		{ .most = SLICES + 1, .write = after_##name },

const struct piece status_page[] = {
	{ .most = SLICES, .write = fixed_top },
	{ .most = 1, .write = status_facts_now },
	{ .most = SLICES, .write = fixed_after_facts },
	TABLES(TABLE_ROWS){ .most = 1, .write = status_facts_setup },
	{ .most = SLICES, .write = fixed_after_setup },
};
const unsigned status_page_count = ROWS_OF(status_page);
