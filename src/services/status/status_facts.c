/* SPDX-License-Identifier: MIT */
/* The facts of the status page. */
#include "services/status/status_facts.h"

#include "services/status/html.h"

#define SERVER(name) cell_get(&report->board->server.name)

#define FACTS(COLUMN)                                                                             \
	COLUMN("server.state", "State", state, report_state(report))                              \
	COLUMN("server.lame_duck_left_seconds", "Lame duck ends in", latency, left_us)            \
	COLUMN("totals.connections_live", "Connections open", count, ALL(connections_live))       \
	COLUMN("totals.connections_accepted_total", "Connections accepted", count,                \
	       ALL(connections_accepted_total))                                                   \
	COLUMN("totals.messages_total", "Requests answered", count, ALL(messages_total))          \
	COLUMN("server.workers_ready server.workers", "Workers ready", share,                     \
	       ((struct html_share){ SERVER(workers_ready), SERVER(workers) }))                   \
	COLUMN("server.last_reload.outcome", "Last reload", state, reload)                        \
	COLUMN("server.uptime_seconds", "Running for", seconds,                                   \
	       (report->now_ms - report->board->started_ms) / 1000)                               \
	COLUMN("totals.message_seconds.p50_seconds", "Answer time, median", latency,              \
	       report_quantile_us(&all.message_seconds, 0.5))                                     \
	COLUMN("totals.message_seconds.p99_seconds", "Answer time, 99 %", latency,                \
	       report_quantile_us(&all.message_seconds, 0.99))                                    \
	COLUMN("totals.bytes_in_total", "Received", bytes, ALL(bytes_in_total))                   \
	COLUMN("totals.bytes_out_total", "Sent", bytes, ALL(bytes_out_total))                     \
	COLUMN("server.balance_ratio", "Balance, 1 is even", ratio, SERVER(balance_ratio))        \
	COLUMN("totals.worker_crashes_total", "Worker crashes", count, ALL(worker_crashes_total)) \
	COLUMN("totals.worker_hangs_total", "Worker hangs", count, ALL(worker_hangs_total))       \
	COLUMN("totals.connections_recovered_total", "Connections recovered", count,              \
	       ALL(connections_recovered_total))                                                  \
	COLUMN("totals.connections_lost_total", "Connections lost", count,                        \
	       ALL(connections_lost_total))

#define ALL(name) metric_sum(&all, METRIC_##name)

void status_facts_now(const struct report *report, unsigned index, bool has_before,
		      struct strbuf *text)
{
	struct worker_tally all;
	struct outcome outcome;
	struct tally here;
	const char *reload = report_reload(report, &outcome);
	int64_t left_ms = report_lame_duck_ms(report);
	int64_t left_us = left_ms < 0 ? -1 : (int64_t)((uint64_t)left_ms * 1000);

	(void)index;
	(void)has_before;
	tally_all(report_tally(report, &here), report->board, &all);
	strbuf_raw(text, "<dl class=\"facts\">\n");
	FACTS(HTML_FACT)
	strbuf_raw(text, "</dl>\n");
}

#define SETUP(COLUMN)                                                                              \
	COLUMN("server.version", "Version", word, program)                                         \
	COLUMN("server.pid", "Master process", id,                                                 \
	       atomic_load_explicit(&report->board->master_pid, memory_order_relaxed))             \
	COLUMN("server.configuration", "Configuration", word, origin)                              \
	COLUMN("server.generation", "Generation", count, SERVER(generation))                       \
	COLUMN("server.master_cpu_seconds_total", "CPU time of the master", latency,               \
	       (int64_t)SERVER(master_cpu_seconds_total))                                          \
	COLUMN("server.master_memory_bytes", "Memory of the master", bytes,                        \
	       SERVER(master_memory_bytes))                                                        \
	COLUMN("server.reloads_total", "Reloads that succeeded", count, SERVER(reloads_total))     \
	COLUMN("server.reloads_failed_total", "Reloads that failed", count,                        \
	       SERVER(reloads_failed_total))                                                       \
	COLUMN("server.last_reload.outcome", "Last reload", state, name)                           \
	COLUMN("server.last_reload.at", "When", ago,                                               \
	       ((struct html_moment){ outcome.at_s, report->now_s }))                              \
	COLUMN("server.last_reload.took_seconds", "Took", latency, outcome.took_ms *INT64_C(1000)) \
	COLUMN("server.last_reload.moved", "Connections moved", count, outcome.moved)              \
	COLUMN("server.last_reload.staying", "Finish in old workers", count, outcome.staying)      \
	COLUMN("server.last_reload.message", "Message", word, outcome.message)

void status_facts_setup(const struct report *report, unsigned index, bool has_before,
			struct strbuf *text)
{
	struct outcome outcome;
	const char *name = report_reload(report, &outcome);
	char origin[256], program[16];

	(void)index;
	(void)has_before;
	report_head(report, origin, program);
	strbuf_raw(text, "<dl class=\"facts\">\n");
	SETUP(HTML_FACT)
	strbuf_raw(text, "</dl>\n");
}
