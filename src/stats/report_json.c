/* SPDX-License-Identifier: MIT */
/*
 * Writes the scoreboard as one JSON object, with a line for each entry of a list. Metrics have
 * their names of tables/metrics.def. Times are seconds since 1970 and durations are seconds, except
 * where a name ends with _ms.
 */
#include "stats/json.h"
#include "stats/report_json_parts.h"
#include "stats/report.h"

/* Writes the counts of a worker, or of several, over all listeners. */
static void write_counts(struct strbuf *text, const struct worker_tally *tally)
{
	for (unsigned m = 0; m < METRIC_COUNT; m++) {
		if (metric_rows[m].scope != SCOPE_LISTENER)
			continue;
		json_key(text, metric_rows[m].name);
		report_value(text, &metric_rows[m], metric_sum(tally, m));
	}
	report_json_metrics(text, SCOPE_WORKER, tally);
}

static void write_reload(const struct report *report, struct strbuf *text)
{
	struct outcome outcome;

	json_key(text, "last_reload");
	strbuf_raw(text, "{");
	json_string(text, "outcome", report_reload(report, &outcome), 8);
	json_i64(text, "at", outcome.at_s);
	json_u64(text, "took_ms", outcome.took_ms);
	json_u64(text, "workers", outcome.workers);
	json_u64(text, "moved", outcome.moved);
	json_u64(text, "staying", outcome.staying);
	JSON_TEXT(text, "message", outcome.message);
	strbuf_raw(text, "}");
}

static void write_server(const struct report *report, unsigned index, bool has_before,
			 struct strbuf *text)
{
	const struct scoreboard *board = report->board;
	char origin[sizeof(board->origin)], program[sizeof(board->program)];

	(void)index;
	(void)has_before;
	report_head(report, origin, program);
	strbuf_raw(text, "{\"server\":{");
	JSON_TEXT(text, "version", program);
	json_u64(text, "pid", atomic_load_explicit(&board->master_pid, memory_order_relaxed));
	json_bool(text, "alive", report->is_alive);
	json_string(text, "state", report_state(report), 16);
	JSON_TEXT(text, "configuration", origin);
	json_i64(text, "now", report->now_s);
	json_seconds(text, "uptime_seconds", report_since(report->now_ms, board->started_ms));
	json_seconds(text, "lame_duck_left_seconds", report_lame_duck_ms(report));
	report_json_metrics(text, SCOPE_SERVER, &board->server);
	write_reload(report, text);
	strbuf_raw(text, "}");
}

static void write_conn(struct strbuf *text, const struct report_conn *conn)
{
	json_next(text);
	strbuf_raw(text, "{");
	JSON_TEXT(text, "remote", conn->remote);
	JSON_TEXT(text, "listen", conn->listen);
	JSON_TEXT(text, "service", conn->service);
	json_string(text, "state", conn->state, 16);
	json_seconds(text, "age_seconds", conn->age_ms);
	json_seconds(text, "idle_seconds", conn->idle_ms);
	json_u64(text, "bytes_in", conn->bytes_in);
	json_u64(text, "bytes_out", conn->bytes_out);
	strbuf_raw(text, "}");
}

static void write_waits_for(const struct report *report, unsigned slot, struct strbuf *text)
{
	struct report_conn conns[SLOT_NOTES];
	unsigned count = report_conns(report, slot, conns, SLOT_NOTES);

	json_key(text, "waits_for");
	strbuf_raw(text, "[");
	for (unsigned i = 0; i < count; i++)
		write_conn(text, &conns[i]);
	strbuf_raw(text, "]");
}

static void write_stays(const struct report *report, unsigned slot, struct strbuf *text)
{
	json_key(text, "stay_reasons");
	strbuf_raw(text, "{");
	for (unsigned i = 0; i < STAY_REASONS; i++)
		json_u64(text, stay_reason_name(i), report_stays(report, slot, i));
	strbuf_raw(text, "}");
}

static void write_worker(const struct report *report, unsigned index, bool has_before,
			 struct strbuf *text)
{
	struct report_worker worker;

	if (!report_json_begin(text, has_before, report_worker(report, index, &worker)))
		return;
	json_u64(text, "worker", worker.number);
	json_u64(text, "slot", worker.slot);
	json_u64(text, "pid", worker.pid);
	json_u64(text, "generation", worker.generation);
	json_string(text, "state", report_state_name(worker.state), 16);
	json_i64(text, "age_seconds", worker.age_s);
	json_i64(text, "silent_ms", worker.silent_ms);
	json_i64(text, "live", worker.live);
	JSON_TEXT(text, "last_exit", worker.last_exit);
	json_bool(text, "is_former", worker.is_former);
	write_counts(text, &worker.tally);
	if (worker.state == SLOT_DRAINING) {
		write_stays(report, index, text);
		write_waits_for(report, index, text);
	}
	strbuf_raw(text, "}");
}

/* An object of the counters of the listener's modules. */
static void write_named(const struct report *report, unsigned index,
			const struct listener_tally *tally, struct strbuf *text)
{
	char name[METRIC_COUNTER_NAME];

	json_key(text, metric_rows[METRIC_module_counts_total].name);
	strbuf_raw(text, "{");
	for (unsigned i = 0; i < METRIC_NAMED; i++) {
		if (!report_counter_name(report, index, i, name))
			continue;
		json_next(text);
		strbuf_raw(text, "\"");
		strbuf_escaped(text, STRBUF_JSON, name, sizeof(name));
		strbuf_raw(text, "\":");
		strbuf_u64(text, cell_get(&tally->module_counts_total[i]));
	}
	strbuf_raw(text, "}");
}

static void write_listener(const struct report *report, unsigned index, bool has_before,
			   struct strbuf *text)
{
	struct report_listener listener;

	if (!report_json_begin(text, has_before, report_listener(report, index, &listener)))
		return;
	JSON_TEXT(text, "address", listener.address);
	JSON_TEXT(text, "service", listener.service);
	json_bool(text, "is_gone", listener.is_gone);
	report_json_metrics(text, SCOPE_LISTENER, &listener.tally);
	write_named(report, index, &listener.tally, text);
	report_json_metrics(text, SCOPE_QUEUE, &listener.queue);
	report_limits_json(&listener, text);
	strbuf_raw(text, "}");
}

static void write_totals(const struct report *report, unsigned index, bool has_before,
			 struct strbuf *text)
{
	struct worker_tally all;
	struct tally here;

	(void)index;
	(void)has_before;
	tally_all(report_tally(report, &here), report->board, &all);
	strbuf_raw(text, "],\n\"totals\":{");
	write_counts(text, &all);
	strbuf_raw(text, "}");
}

static void write_crash(const struct report *report, unsigned index, bool has_before,
			struct strbuf *text)
{
	struct crash_note crash;
	char cause[16];

	if (!report_json_begin(text, has_before, report_crash(report, index, &crash)))
		return;
	json_i64(text, "at", crash.at_s);
	json_u64(text, "worker", crash.worker);
	json_u64(text, "pid", crash.pid);
	json_string(text, "cause", report_cause(&crash, cause), sizeof(cause));
	json_u64(text, "signal", crash.signal);
	json_bool(text, "hung", crash.hung != 0);
	JSON_TEXT(text, "listen", crash.listen);
	JSON_TEXT(text, "service", crash.service);
	JSON_TEXT(text, "remote", crash.remote);
	JSON_TEXT(text, "state", crash.state);
	JSON_TEXT(text, "last_call", crash.last_call);
	json_seconds(text, "age_seconds", crash.age_ms);
	json_u64(text, "bytes_in", crash.bytes_in);
	json_u64(text, "bytes_out", crash.bytes_out);
	strbuf_raw(text, "}");
}

static void write_ban(const struct report *report, unsigned index, bool has_before,
		      struct strbuf *text)
{
	struct report_ban ban;

	if (!report_json_begin(text, has_before, report_ban(report, index, &ban)))
		return;
	JSON_TEXT(text, "address", ban.net);
	json_u64(text, "crashes", ban.crashes);
	json_seconds(text, "left_seconds", ban.left_ms);
	strbuf_raw(text, "}");
}

static void write_moment(const struct report *report, unsigned index, bool has_before,
			 struct strbuf *text)
{
	struct moment moment;

	if (!report_moment(report, SCOREBOARD_MOMENTS - 1 - index, &moment))
		return;
	strbuf_raw(text, has_before ? ",[" : "\n[");
	strbuf_i64(text, moment.at_s);
	strbuf_raw(text, ",");
	strbuf_u64(text, moment.live);
	strbuf_raw(text, ",");
	strbuf_u64(text, moment.waiting);
	strbuf_raw(text, ",");
	strbuf_u64(text, moment.accepted);
	strbuf_raw(text, ",");
	strbuf_u64(text, moment.messages);
	strbuf_raw(text, "]");
}

static void write_mark(const struct report *report, unsigned index, bool has_before,
		       struct strbuf *text)
{
	struct mark mark;

	if (!report_json_begin(text, has_before,
			       report_mark(report, SCOREBOARD_MARKS - 1 - index, &mark)))
		return;
	json_i64(text, "at", mark.at_s);
	json_string(text, "kind", report_mark_name(mark.kind), 16);
	json_u64(text, "worker", mark.worker);
	strbuf_raw(text, "}");
}

/* Writes the text between two lists. */
#define TEXT_PIECE(name, words)                                                        \
	static void name(const struct report *report, unsigned index, bool has_before, \
			 struct strbuf *text)                                          \
	{                                                                              \
		(void)report;                                                          \
		(void)index;                                                           \
		(void)has_before;                                                      \
		strbuf_raw(text, words);                                               \
	}
TEXT_PIECE(start_workers, ",\n\"workers\":[")
TEXT_PIECE(start_listeners, "],\n\"listeners\":[")
TEXT_PIECE(start_programs, ",\n\"programs\":[")
TEXT_PIECE(start_copies, "],\n\"copies\":[")
TEXT_PIECE(start_upstreams, "],\n\"upstreams\":[")
TEXT_PIECE(start_sources, "],\n\"full_sources\":[")
TEXT_PIECE(start_crashes, "],\n\"crashes\":[")
TEXT_PIECE(start_penalties, "],\n\"penalties\":[")
TEXT_PIECE(start_moments, "],\n\"moments\":[")
TEXT_PIECE(start_marks, "],\n\"marks\":[")
TEXT_PIECE(end_document, "]}\n")

const struct piece report_json[] = {
	{ .most = 1, .write = write_server },
	{ .most = 1, .write = start_workers },
	{ .most = SCOREBOARD_SLOTS, .write = write_worker },
	{ .most = 1, .write = start_listeners },
	{ .most = METRIC_LISTENERS, .write = write_listener },
	{ .most = 1, .write = write_totals },
	{ .most = 1, .write = start_programs },
	{ .most = SCOREBOARD_PROGRAMS, .write = report_json_program },
	{ .most = 1, .write = start_copies },
	{ .most = SCOREBOARD_COPIES, .write = report_json_copy },
	{ .most = 1, .write = start_upstreams },
	{ .most = SCOREBOARD_SERVERS, .write = report_json_server },
	{ .most = 1, .write = start_sources },
	{ .most = SCOREBOARD_SOURCES, .write = report_source_json },
	{ .most = 1, .write = start_crashes },
	{ .most = SCOREBOARD_CRASHES, .write = write_crash },
	{ .most = 1, .write = start_penalties },
	{ .most = BAN_PLACES, .write = write_ban },
	{ .most = 1, .write = start_moments },
	{ .most = SCOREBOARD_MOMENTS, .write = write_moment },
	{ .most = 1, .write = start_marks },
	{ .most = SCOREBOARD_MARKS, .write = write_mark },
	{ .most = 1, .write = end_document },
};
const unsigned report_json_count = sizeof(report_json) / sizeof(*report_json);
