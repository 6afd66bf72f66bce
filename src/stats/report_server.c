/* SPDX-License-Identifier: MIT */
/* Reads the servers of upstreams from a scoreboard. Must not trust any value in it. */
#include <string.h>

#include "stats/report.h"
#include "stats/servers.h"

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)

static void copy_text(char *to, const char *from, size_t size)
{
	memcpy(to, from, size);
	to[size - 1] = '\0';
}

/* What keeps connections from it first. A name without an address cannot be connected to. */
static const char *name_state(const struct server_row *row, const struct server_names *names,
			      enum server_health health)
{
	static const char *const states[] = { [SERVER_HEALTHY] = "up",
					      [SERVER_FAILED] = "failed",
					      [SERVER_CHECK_FAILED] = "check_failed" };

	if (LOAD(row->life) != SERVER_IN_FORCE)
		return "gone";
	if (LOAD(row->is_down))
		return "down";
	if (LOAD(row->is_drained))
		return "drained";
	if (LOAD(names->count) == 0 && LOAD(names->failed_s) > 0)
		return "unresolved";
	return states[health];
}

static void copy_tally(const struct report *report, unsigned row, struct report_server *out)
{
	const struct upstream_tally *from = &report->board->servers[row].tally;

	for (size_t i = 0; i < sizeof(out->tally) / sizeof(metric_cell); i++)
		cell_set((metric_cell *)&out->tally + i, cell_get((const metric_cell *)from + i));
	cell_set(&out->tally.upstream_connections_live, server_live(report->board, row));
	cell_set(&out->tally.upstream_connections_waiting, server_waiting(report->board, row));
	cell_set(&out->tally.upstream_healthy, strcmp(out->state, "up") == 0);
	cell_set(&out->tally.upstream_drained,
		 LOAD(report->board->server_rows[row].is_drained) != 0);
}

/* Since when it is down, drained or gone is written nowhere. */
static int64_t find_since(const struct report_server *server, int64_t health_s)
{
	static const char *const states[] = { "up", "failed", "check_failed" };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(server->state, states[i]) == 0)
			return health_s;
	return strcmp(server->state, "unresolved") == 0 ? server->unresolved_s : 0;
}

/* Every worker writes it. */
static const char *name_failure(const struct server_shared *shared)
{
	uint32_t why = LOAD(shared->last_failure);

	return why == CLOSE_none || why >= CLOSE_COUNT ? "" : close_reason_name(why);
}

bool report_server_is_used(const struct report_server *server)
{
	return !server->is_gone || cell_get(&server->tally.upstream_connections_live) > 0;
}

bool report_server(const struct report *report, unsigned row, struct report_server *out)
{
	const struct server_row *from = &report->board->server_rows[row];
	const struct server_names *names = &report->board->server_names[row];
	uint32_t life = atomic_load_explicit(&from->life, memory_order_acquire);
	struct server_verdict verdict;
	int64_t failed_s;

	if (row >= scoreboard_servers(report->board) || life == SERVER_NEVER)
		return false;
	verdict = server_verdict_of(LOAD(report->board->servers[row].verdict));
	failed_s = LOAD(names->failed_s);
	*out = (struct report_server){
		.is_gone = life != SERVER_IN_FORCE,
		.is_backup = LOAD(from->is_backup) != 0,
		.state = name_state(from, names, verdict.health),
		.why = name_failure(&report->board->servers[row]),
		.weight = LOAD(from->weight),
		.names = LOAD(names->count) < SERVER_ADDRESSES ? LOAD(names->count) :
								 SERVER_ADDRESSES,
		.unresolved_s = failed_s > 0 ? report_since(report->now_s, failed_s) : 0,
	};
	out->since_s = find_since(out, report_since(report->now_ms, verdict.since_ms) / 1000);
	copy_text(out->upstream, from->upstream, sizeof(out->upstream));
	copy_text(out->address, from->address, sizeof(out->address));
	copy_tally(report, row, out);
	return true;
}
