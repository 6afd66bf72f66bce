/* SPDX-License-Identifier: MIT */
/* The table of the servers of upstreams on the status page. */
#include "services/status/page_table.h"

#define OF_SERVER(name)  cell_get(&s.tally.upstream_##name)
#define CONNECT_US(part) report_quantile_us(&s.tally.upstream_connect_seconds, part)

/* SERVERS_SINCE: what a server does not have whose state has no known beginning. */
#define SERVERS(COLUMN) SERVERS_NAME(COLUMN) SERVERS_SINCE(COLUMN) SERVERS_REST(COLUMN)
#define SERVERS_NAME(COLUMN)                                            \
	COLUMN("upstream", "Upstream", word, s.upstream)                \
	COLUMN("server", "Server", word, s.address)                     \
	COLUMN("role", "Role", word, s.is_backup ? "backup" : "active") \
	COLUMN("state", "State", state, s.state)
#define SERVERS_SINCE(COLUMN) COLUMN("since_seconds", "For", seconds, s.since_s)
#define SERVERS_REST(COLUMN)                                                                       \
	COLUMN("why", "Last failure", word, s.why)                                                 \
	COLUMN("upstream_connections_live", "Open", count, OF_SERVER(connections_live))            \
	COLUMN("upstream_connections_waiting", "Waiting", count, OF_SERVER(connections_waiting))   \
	COLUMN("upstream_connections_total", "Connections", count, OF_SERVER(connections_total))   \
	COLUMN("upstream_failures_total", "Failures", count, OF_SERVER(failures_total))            \
	COLUMN("upstream_checks_failed_total", "Failed checks", count,                             \
	       OF_SERVER(checks_failed_total))                                                     \
	COLUMN("upstream_connect_seconds.p50_seconds", "Connect, median", latency,                 \
	       CONNECT_US(0.5))                                                                    \
	COLUMN("upstream_connect_seconds.p99_seconds", "Connect, 99 %", latency, CONNECT_US(0.99)) \
	COLUMN("upstream_bytes_in_total", "Received", bytes, OF_SERVER(bytes_in_total))            \
	COLUMN("upstream_bytes_out_total", "Sent", bytes, OF_SERVER(bytes_out_total))

#define TIMELESS_SERVERS(COLUMN) \
	SERVERS_NAME(COLUMN) SERVERS_SINCE(HTML_NO_VALUE) SERVERS_REST(COLUMN)

static void row_upstreams(const struct report *report, unsigned index, struct strbuf *text)
{
	struct report_server s;

	if (!report_server(report, index, &s) || !report_server_is_used(&s))
		return;
	if (s.since_s > 0)
		HTML_ROW(SERVERS);
	else
		HTML_ROW(TIMELESS_SERVERS);
}

PAGE_TABLE(upstreams, "Servers of upstreams", SERVERS)
