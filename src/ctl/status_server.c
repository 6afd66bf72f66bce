/* SPDX-License-Identifier: MIT */
/* The head of the status screen: the server as a whole. */
#include <inttypes.h>
#include <time.h>

#include "ctl/format.h"
#include "ctl/status_parts.h"

/* The master writes a moment each second: one that does not is stopped, or waits for something. */
enum { SILENT_S = 3, LABEL = 15 };

static void label(struct status_view *view, const char *name)
{
	screen_cell(view->screen, STYLE_DIM, name, LABEL, true);
}

/* When the master wrote last; 0: it never has. */
static int64_t last_moment_s(const struct status_view *view)
{
	struct moment moment;

	return report_moment(view->report, 0, &moment) ? moment.at_s : 0;
}

static void show_dead(struct status_view *view)
{
	int64_t at_s = last_moment_s(view);
	char age[FORMAT_TEXT];

	if (view->report->is_alive)
		return;
	screen_put(view->screen, STYLE_BAD, "DEAD");
	screen_put(view->screen, STYLE_WARN, ": this is what the last server's scoreboard says");
	if (at_s > 0)
		screen_say(view->screen, STYLE_WARN, ", written %s ago",
			   format_age(view->report->now_s - at_s, age));
	screen_end(view->screen);
}

static int64_t up_s(const struct status_view *view)
{
	int64_t end_s = view->report->is_alive ? view->report->now_s : last_moment_s(view);

	return end_s - (int64_t)cell_get(&view->report->board->server.start_time_seconds);
}

static bool is_under_way(const struct request *deed)
{
	return atomic_load_explicit(&deed->begun, memory_order_relaxed) !=
	       atomic_load_explicit(&deed->done, memory_order_relaxed);
}

/* What it does, in a word or two. */
static void show_state(struct status_view *view)
{
	const struct scoreboard *board = view->report->board;
	int64_t silent_s = view->report->now_s - last_moment_s(view);
	uint64_t wanted = cell_get(&board->server.workers);
	char age[FORMAT_TEXT];

	if (!view->report->is_alive)
		screen_put(view->screen, STYLE_BAD, "dead");
	else if (last_moment_s(view) > 0 && silent_s > SILENT_S)
		screen_say(view->screen, STYLE_BAD, "master silent for %s",
			   format_age(silent_s, age));
	else if (cell_get(&board->server.stopping) != 0)
		screen_put(view->screen, STYLE_WARN, "stopping");
	else if (wanted == 0 && last_moment_s(view) == 0)
		screen_put(view->screen, STYLE_WARN, "starting");
	else if (is_under_way(&board->reload))
		screen_put(view->screen, STYLE_WARN, "reloading");
	else if (wanted == 0)
		screen_put(view->screen, STYLE_WARN, "workers retired");
	else
		screen_put(view->screen, STYLE_GOOD, "serving");
}

static void show_name(struct status_view *view, const char *program)
{
	const struct scoreboard *board = view->report->board;
	uint32_t pid = atomic_load_explicit(&board->master_pid, memory_order_relaxed);
	char age[FORMAT_TEXT];

	screen_say(view->screen, STYLE_HEAD, "prefork-srv %s", program);
	screen_say(view->screen, STYLE_PLAIN,
		   "   pid %" PRId64 "   up %s   generation %" PRIu64 "   ",
		   view->pid > 0 ? (int64_t)view->pid : (int64_t)pid, format_age(up_s(view), age),
		   cell_get(&board->server.generation));
	show_state(view);
	screen_end(view->screen);
}

static void show_crew(struct status_view *view)
{
	const struct server_tally *server = &view->report->board->server;
	uint64_t wanted = cell_get(&server->workers), ready = cell_get(&server->workers_ready);
	uint64_t balance = cell_get(&server->balance_ratio) / 10000;
	char memory[FORMAT_TEXT];

	label(view, "workers");
	screen_say(view->screen, ready < wanted ? STYLE_WARN : STYLE_PLAIN,
		   "%" PRIu64 " of %" PRIu64 " ready", ready, wanted);
	if (balance > 0)
		screen_say(view->screen, STYLE_PLAIN, ", balance %" PRIu64 ".%02u", balance / 100,
			   (unsigned)(balance % 100));
	screen_say(view->screen, STYLE_PLAIN, "; the master takes %s of memory",
		   format_bytes(cell_get(&server->master_memory_bytes), memory));
	screen_end(view->screen);
}

/* Adds a number, and with rates how much of it came in the last second. */
static void add_count(struct status_view *view, const struct rate *rate, uint64_t value,
		      uint64_t per_second, const char *what)
{
	char text[FORMAT_TEXT];

	screen_say(view->screen, STYLE_PLAIN, "%s %s", format_count(value, text), what);
	if (rate != NULL)
		screen_say(view->screen, STYLE_PLAIN, " (%s/s)", format_count(per_second, text));
}

static void add_bytes(struct status_view *view, const struct rate *rate, uint64_t value,
		      uint64_t per_second, const char *what)
{
	char text[FORMAT_TEXT];

	screen_say(view->screen, STYLE_PLAIN, ", %s %s", format_bytes(value, text), what);
	if (rate != NULL)
		screen_say(view->screen, STYLE_PLAIN, " (%s/s)", format_bytes(per_second, text));
}

static void show_traffic(struct status_view *view, const struct worker_tally *all)
{
	struct rate rates = { 0 };
	const struct rate *rate = NULL;
	char text[FORMAT_TEXT];

	if (view->samples != NULL && snapshot_rate(view->samples, SAMPLE_ALL, &rates))
		rate = &rates;
	label(view, "connections");
	screen_say(view->screen, STYLE_PLAIN, "%s live, ",
		   format_count(metric_sum(all, METRIC_connections_live), text));
	add_count(view, rate, metric_sum(all, METRIC_connections_accepted_total), rates.accepted,
		  "accepted");
	screen_say(view->screen, STYLE_PLAIN, ", %s refused",
		   format_count(metric_sum(all, METRIC_connections_refused_total), text));
	screen_end(view->screen);
	label(view, "messages");
	add_count(view, rate, metric_sum(all, METRIC_messages_total), rates.messages, "answered");
	add_bytes(view, rate, metric_sum(all, METRIC_bytes_in_total), rates.bytes_in, "in");
	add_bytes(view, rate, metric_sum(all, METRIC_bytes_out_total), rates.bytes_out, "out");
	screen_end(view->screen);
}

static void show_times(struct status_view *view, const struct worker_tally *all)
{
	int64_t half = report_quantile_us(&all->message_seconds, 0.5);
	char typical[FORMAT_TEXT], slow[FORMAT_TEXT], slowest[FORMAT_TEXT];

	if (half < 0)
		return;
	label(view, "message time");
	screen_say(view->screen, STYLE_PLAIN, "half within %s, 99%% within %s, 99.9%% within %s",
		   format_span(half, typical),
		   format_span(report_quantile_us(&all->message_seconds, 0.99), slow),
		   format_span(report_quantile_us(&all->message_seconds, 0.999), slowest));
	screen_end(view->screen);
}

static void show_reload(struct status_view *view)
{
	struct outcome outcome;
	const char *how = report_reload(view->report, &outcome);
	char age[FORMAT_TEXT];
	bool is_known = outcome.at_s > 0;

	label(view, "last reload");
	screen_put(view->screen,
		   outcome.failed ? STYLE_BAD :
		   is_known       ? STYLE_GOOD :
				    STYLE_PLAIN,
		   outcome.failed ? "FAILED" : how);
	if (is_known)
		screen_say(view->screen, STYLE_PLAIN, " %s ago, took %u ms",
			   format_age(view->report->now_s - outcome.at_s, age), outcome.took_ms);
	if (is_known && !outcome.failed)
		screen_say(view->screen, STYLE_PLAIN, ", %u worker%s", outcome.workers,
			   outcome.workers == 1 ? "" : "s");
	screen_end(view->screen);
	if (outcome.message[0] == '\0')
		return;
	label(view, "");
	screen_wrap(view->screen, STYLE_WARN, LABEL, outcome.message);
}

static void show_accidents(struct status_view *view, const struct worker_tally *all)
{
	uint64_t crashes = metric_sum(all, METRIC_worker_crashes_total);
	uint64_t hangs = metric_sum(all, METRIC_worker_hangs_total);
	uint64_t cost = metric_sum(all, METRIC_connections_lost_total);
	char kept[FORMAT_TEXT], lost[FORMAT_TEXT];

	if (crashes + hangs == 0)
		return;
	label(view, "crashes");
	screen_say(view->screen, STYLE_WARN, "%" PRIu64 ", hangs %" PRIu64, crashes, hangs);
	screen_say(view->screen, STYLE_PLAIN, "; they cost %s connection%s, %s went on",
		   format_count(cost, lost), cost == 1 ? "" : "s",
		   format_count(metric_sum(all, METRIC_connections_recovered_total), kept));
	screen_end(view->screen);
}

/* Lines that are missing in the log: said where somebody looks. */
static void show_lost_log(struct status_view *view, const struct worker_tally *all)
{
	const struct server_tally *server = &view->report->board->server;
	uint64_t lost = metric_sum(all, METRIC_log_lines_lost_total) +
			cell_get(&server->master_log_lines_lost_total);
	char count[FORMAT_TEXT];

	if (lost == 0)
		return;
	label(view, "log");
	screen_say(view->screen, STYLE_WARN, "%s line%s lost", format_count(lost, count),
		   lost == 1 ? "" : "s");
	screen_end(view->screen);
}

static void show_lost_accesses(struct status_view *view, const struct worker_tally *all)
{
	uint64_t lost = metric_sum(all, METRIC_access_log_lost_total);
	uint64_t failures = metric_sum(all, METRIC_access_log_failures_total);
	char count[FORMAT_TEXT];

	if (lost == 0 && failures == 0)
		return;
	label(view, "access log");
	screen_say(view->screen, STYLE_WARN,
		   "%s lines lost, %" PRIu64 " times it could not be written",
		   format_count(lost, count), failures);
	screen_end(view->screen);
}

void status_server_write(struct status_view *view)
{
	char origin[256], program[16];
	struct worker_tally all;

	report_head(view->report, origin, program);
	tally_all(view->report->tally, view->report->board, &all);
	show_dead(view);
	show_name(view, program);
	label(view, "configuration");
	screen_put(view->screen, STYLE_PLAIN, origin);
	screen_end(view->screen);
	show_crew(view);
	show_traffic(view, &all);
	show_times(view, &all);
	show_reload(view);
	show_accidents(view, &all);
	show_lost_log(view, &all);
	show_lost_accesses(view, &all);
}
