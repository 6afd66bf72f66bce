/* SPDX-License-Identifier: MIT */
/* The head of the status screen: the server as a whole, one line for each subject. */
#include <inttypes.h>

#include "ctl/format.h"
#include "ctl/status_screen.h"

/* The master writes a moment each second. A master that is silent longer is stopped or blocked. */
enum { SILENT_S = 3, LABEL_WIDTH = 15 };

static void write_label(struct status_view *view, const char *name)
{
	lines_put_cell(view->lines, STYLE_DIM, name, LABEL_WIDTH, true);
}

/* The time of the last moment that the master wrote; 0: it has written none. */
static int64_t last_moment_s(const struct status_view *view)
{
	struct moment moment;

	return report_moment(view->report, 0, &moment) ? moment.at_s : 0;
}

static void write_dead(struct status_view *view)
{
	int64_t at_s = last_moment_s(view);
	char age[FORMAT_TEXT];

	if (view->report->is_alive)
		return;
	lines_put(view->lines, STYLE_BAD, "DEAD");
	lines_put(view->lines, STYLE_WARN, ": this is what the last server's scoreboard says");
	if (at_s > 0)
		lines_printf(view->lines, STYLE_WARN, ", written %s ago",
			     format_age(view->report->now_s - at_s, age));
	lines_end_line(view->lines);
}

static int64_t uptime_s(const struct status_view *view)
{
	int64_t end_s = view->report->is_alive ? view->report->now_s : last_moment_s(view);

	return end_s - (int64_t)cell_get(&view->report->board->server.start_time_seconds);
}

static bool is_pending(const struct request *request)
{
	return atomic_load_explicit(&request->begun, memory_order_relaxed) !=
	       atomic_load_explicit(&request->done, memory_order_relaxed);
}

/* The copies that programs should have. */
static uint64_t count_copies(const struct scoreboard *board)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < SCOREBOARD_PROGRAMS; i++)
		count += cell_get(&board->programs[i].tally.program_copies);
	return count;
}

/* Writes the state of the server in a word or two. */
static void write_state(struct status_view *view)
{
	const struct scoreboard *board = view->report->board;
	int64_t silent_s = view->report->now_s - last_moment_s(view);
	int64_t left_ms = report_lame_duck_ms(view->report);
	uint64_t wanted = cell_get(&board->server.workers);
	char age[FORMAT_TEXT];

	if (!view->report->is_alive)
		lines_put(view->lines, STYLE_BAD, "dead");
	else if (last_moment_s(view) > 0 && silent_s > SILENT_S)
		lines_printf(view->lines, STYLE_BAD, "master silent for %s",
			     format_age(silent_s, age));
	else if (left_ms >= 0)
		lines_printf(view->lines, STYLE_WARN, "lame duck, %s left",
			     format_age((left_ms + 999) / 1000, age));
	else if (cell_get(&board->server.stopping) != 0)
		lines_put(view->lines, STYLE_WARN, "stopping");
	else if (wanted == 0 && last_moment_s(view) == 0)
		lines_put(view->lines, STYLE_WARN, "starting");
	else if (is_pending(&board->reload))
		lines_put(view->lines, STYLE_WARN, "reloading");
	else if (wanted + count_copies(board) == 0)
		lines_put(view->lines, STYLE_WARN, "workers retired");
	else
		lines_put(view->lines, STYLE_GOOD, "serving");
}

static void write_name(struct status_view *view, const char *program)
{
	const struct scoreboard *board = view->report->board;
	uint32_t pid = atomic_load_explicit(&board->master_pid, memory_order_relaxed);
	char age[FORMAT_TEXT];

	lines_printf(view->lines, STYLE_HEAD, "prefork-srv %s", program);
	lines_printf(view->lines, STYLE_PLAIN,
		     "   pid %" PRId64 "   up %s   generation %" PRIu64 "   ",
		     view->pid > 0 ? (int64_t)view->pid : (int64_t)pid,
		     format_age(uptime_s(view), age), cell_get(&board->server.generation));
	write_state(view);
	lines_end_line(view->lines);
}

static void write_workers(struct status_view *view)
{
	const struct server_tally *server = &view->report->board->server;
	uint64_t wanted = cell_get(&server->workers), ready = cell_get(&server->workers_ready);
	uint64_t balance = cell_get(&server->balance_ratio) / 10000;
	char memory[FORMAT_TEXT];

	write_label(view, "workers");
	lines_printf(view->lines, ready < wanted ? STYLE_WARN : STYLE_PLAIN,
		     "%" PRIu64 " of %" PRIu64 " ready", ready, wanted);
	if (balance > 0)
		lines_printf(view->lines, STYLE_PLAIN, ", balance %" PRIu64 ".%02u", balance / 100,
			     (unsigned)(balance % 100));
	lines_printf(view->lines, STYLE_PLAIN, "; the master takes %s of memory",
		     format_bytes(cell_get(&server->master_memory_bytes), memory));
	lines_end_line(view->lines);
}

/* Adds a number to the line, and its rate if there is one (rate not NULL). */
static void write_count(struct status_view *view, const struct rate *rate, uint64_t value,
			uint64_t per_second, const char *what)
{
	char text[FORMAT_TEXT];

	lines_printf(view->lines, STYLE_PLAIN, "%s %s", format_count(value, text), what);
	if (rate != NULL)
		lines_printf(view->lines, STYLE_PLAIN, " (%s/s)", format_count(per_second, text));
}

static void write_bytes(struct status_view *view, const struct rate *rate, uint64_t value,
			uint64_t per_second, const char *what)
{
	char text[FORMAT_TEXT];

	lines_printf(view->lines, STYLE_PLAIN, ", %s %s", format_bytes(value, text), what);
	if (rate != NULL)
		lines_printf(view->lines, STYLE_PLAIN, " (%s/s)", format_bytes(per_second, text));
}

static void write_traffic(struct status_view *view, const struct worker_tally *all)
{
	struct rate all_rate = { 0 };
	const struct rate *rate = NULL;
	char text[FORMAT_TEXT];

	if (view->samples != NULL && snapshot_rate(view->samples, SAMPLE_ALL, &all_rate))
		rate = &all_rate;
	write_label(view, "connections");
	lines_printf(view->lines, STYLE_PLAIN, "%s live, ",
		     format_count(metric_sum(all, METRIC_connections_live), text));
	write_count(view, rate, metric_sum(all, METRIC_connections_accepted_total),
		    all_rate.accepted, "accepted");
	lines_printf(view->lines, STYLE_PLAIN, ", %s refused",
		     format_count(metric_sum(all, METRIC_connections_refused_total), text));
	lines_end_line(view->lines);
	write_label(view, "messages");
	write_count(view, rate, metric_sum(all, METRIC_messages_total), all_rate.messages,
		    "answered");
	write_bytes(view, rate, metric_sum(all, METRIC_bytes_in_total), all_rate.bytes_in, "in");
	write_bytes(view, rate, metric_sum(all, METRIC_bytes_out_total), all_rate.bytes_out, "out");
	lines_end_line(view->lines);
}

static void write_times(struct status_view *view, const struct worker_tally *all)
{
	int64_t half = report_quantile_us(&all->message_seconds, 0.5);
	char typical[FORMAT_TEXT], slow[FORMAT_TEXT], slowest[FORMAT_TEXT];

	if (half < 0)
		return;
	write_label(view, "message time");
	lines_printf(view->lines, STYLE_PLAIN, "half within %s, 99%% within %s, 99.9%% within %s",
		     format_span(half, typical),
		     format_span(report_quantile_us(&all->message_seconds, 0.99), slow),
		     format_span(report_quantile_us(&all->message_seconds, 0.999), slowest));
	lines_end_line(view->lines);
}

static void write_reload(struct status_view *view)
{
	struct outcome outcome;
	const char *how = report_reload(view->report, &outcome);
	char age[FORMAT_TEXT], moves[REPORT_MOVES];
	bool is_known = outcome.at_s > 0;

	write_label(view, "last reload");
	lines_put(view->lines,
		  outcome.failed ? STYLE_BAD :
		  is_known       ? STYLE_GOOD :
				   STYLE_PLAIN,
		  outcome.failed ? "FAILED" : how);
	if (is_known)
		lines_printf(view->lines, STYLE_PLAIN, " %s ago, took %u ms",
			     format_age(view->report->now_s - outcome.at_s, age), outcome.took_ms);
	if (is_known && !outcome.failed)
		lines_printf(view->lines, STYLE_PLAIN, ", %u worker%s, %s", outcome.workers,
			     outcome.workers == 1 ? "" : "s", report_moves(&outcome, moves));
	lines_end_line(view->lines);
	if (outcome.message[0] == '\0')
		return;
	write_label(view, "");
	lines_wrap(view->lines, STYLE_WARN, LABEL_WIDTH, outcome.message);
}

static void write_crashes(struct status_view *view, const struct worker_tally *all)
{
	uint64_t crashes = metric_sum(all, METRIC_worker_crashes_total);
	uint64_t hangs = metric_sum(all, METRIC_worker_hangs_total);
	uint64_t cost = metric_sum(all, METRIC_connections_lost_total);
	char kept[FORMAT_TEXT], lost[FORMAT_TEXT];

	if (crashes + hangs == 0)
		return;
	write_label(view, "crashes");
	lines_printf(view->lines, STYLE_WARN, "%" PRIu64 ", hangs %" PRIu64, crashes, hangs);
	lines_printf(view->lines, STYLE_PLAIN, "; they cost %s connection%s, %s went on",
		     format_count(cost, lost), cost == 1 ? "" : "s",
		     format_count(metric_sum(all, METRIC_connections_recovered_total), kept));
	lines_end_line(view->lines);
}

static void write_lost_log(struct status_view *view, const struct worker_tally *all)
{
	const struct server_tally *server = &view->report->board->server;
	uint64_t lost = metric_sum(all, METRIC_log_lines_lost_total) +
			cell_get(&server->master_log_lines_lost_total);
	char count[FORMAT_TEXT];

	if (lost == 0)
		return;
	write_label(view, "log");
	lines_printf(view->lines, STYLE_WARN, "%s line%s lost", format_count(lost, count),
		     lost == 1 ? "" : "s");
	lines_end_line(view->lines);
}

static void write_lost_accesses(struct status_view *view, const struct worker_tally *all)
{
	uint64_t lost = metric_sum(all, METRIC_access_log_lost_total);
	uint64_t failures = metric_sum(all, METRIC_access_log_failures_total);
	char count[FORMAT_TEXT];

	if (lost == 0 && failures == 0)
		return;
	write_label(view, "access log");
	lines_printf(view->lines, STYLE_WARN,
		     "%s lines lost, %" PRIu64 " times it could not be written",
		     format_count(lost, count), failures);
	lines_end_line(view->lines);
}

void status_server_write(struct status_view *view)
{
	char origin[256], program[16];
	struct worker_tally all;

	report_head(view->report, origin, program);
	tally_all(view->report->tally, view->report->board, &all);
	write_dead(view);
	write_name(view, program);
	write_label(view, "configuration");
	lines_put(view->lines, STYLE_PLAIN, origin);
	lines_end_line(view->lines);
	write_workers(view);
	write_traffic(view, &all);
	write_times(view, &all);
	write_reload(view);
	write_crashes(view, &all);
	write_lost_log(view, &all);
	write_lost_accesses(view, &all);
}
