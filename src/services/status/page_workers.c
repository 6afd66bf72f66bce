/* SPDX-License-Identifier: MIT */
/* The tables of workers on the status page: their moves, crashes and refused addresses. */
#include "services/status/page_table.h"

#include <stdio.h>

enum { WAITS_SHOWN = 3 };

#define MARKS(COLUMN)                                                                 \
	COLUMN("at", "When", ago, ((struct html_moment){ mark.at_s, report->now_s })) \
	COLUMN("kind", "What", state, report_mark_name(mark.kind))                    \
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

PAGE_TABLE(marks, "Crashes and reloads", MARKS)

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

PAGE_TABLE(workers, "Workers", WORKERS)

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

PAGE_TABLE(moves, "Connections moved between workers", MOVES)

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

PAGE_TABLE(waits, "Connections that leaving workers wait for", WAITS)

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

PAGE_TABLE(stays, "Connections that could not move", STAYS)

#define CRASHES(COLUMN)                                                               \
	COLUMN("at", "When", ago, ((struct html_moment){ note.at_s, report->now_s })) \
	COLUMN("worker", "Worker", id, note.worker)                                   \
	COLUMN("cause", "Cause", word, report_cause(&note, cause))                    \
	COLUMN("service", "Service", word, note.service)                              \
	COLUMN("remote", "Client in hand", word, note.remote)                         \
	COLUMN("state", "State", word, note.state)                                    \
	COLUMN("last_call", "Last system call", word, note.last_call)                 \
	COLUMN("bytes_in", "Received", bytes, note.bytes_in)                          \
	COLUMN("bytes_out", "Sent", bytes, note.bytes_out)

static void row_crashes(const struct report *report, unsigned index, struct strbuf *text)
{
	struct crash_note note;
	char cause[16];

	if (report_crash(report, index, &note))
		HTML_ROW(CRASHES);
}

PAGE_TABLE(crashes, "What crashes had in hand", CRASHES)

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

PAGE_TABLE(penalties, "Refused addresses", PENALTIES)
