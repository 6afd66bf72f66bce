/* SPDX-License-Identifier: MIT */
/*
 * Closes, and looks at what is left: whoever ends first keeps the connection in TIME_WAIT for a
 * minute (RFC 9293, 3.6).
 */
#include "client/farewell.h"

#include <string.h>

#include "base/clock.h"
#include "base/sockdiag.h"
#include "base/sys.h"
#include "base/tcpstate.h"

enum { STATE_WAIT_MS = 500, STATE_POLL_MS = 2 };

static bool is_final(int state)
{
	return state == TCP_TIME_WAIT || state == TCP_CLOSE;
}

/* Looks until the state changes no more: at once, where the peer ends too. */
static enum sockdiag_answer await_final_state(struct sockdiag *diag,
					      const struct connection *connection, int *state)
{
	int64_t until_ms = clock_ms() + STATE_WAIT_MS;
	enum sockdiag_answer answer;

	for (;;) {
		answer = sockdiag_tcp(diag, &connection->local, &connection->remote, state);
		if (answer != SOCKDIAG_FOUND || is_final(*state) || clock_ms() >= until_ms)
			return answer;
		sys_poll(NULL, 0, STATE_POLL_MS);
	}
}

static const char *describe_state(const struct connection *connection, int state)
{
	switch (state) {
	case TCP_TIME_WAIT:
		return "TIME_WAIT: this side closed first, and so keeps the two addresses for a "
		       "minute";
	case TCP_CLOSE:
		if (connection->closed_first)
			return "no socket left: the connection was reset, or this system keeps no "
			       "more in TIME_WAIT";
		if (connection->is_reset)
			return "no socket left: the connection was reset";
		return "no socket left: the peer closed first, and keeps TIME_WAIT";
	case TCP_FIN_WAIT1:
		return "FIN_WAIT1: the peer has not confirmed the end yet";
	case TCP_FIN_WAIT2:
		return "FIN_WAIT2: the peer has not closed its side yet";
	default:
		return sockdiag_state_name(state);
	}
}

static void trace_state(const struct connection *connection, const struct trace *trace)
{
	struct sockdiag diag;
	enum sockdiag_answer answer = SOCKDIAG_REFUSED;
	int state = TCP_CLOSE;

	if (sockdiag_open(&diag)) {
		answer = await_final_state(&diag, connection, &state);
		sockdiag_close(&diag);
	}
	if (answer == SOCKDIAG_FOUND)
		trace_print(trace, "state afterwards: %s", describe_state(connection, state));
	else
		trace_print(trace, "state afterwards: not to be seen here: sock_diag: %s",
			    strerror(errno));
}

static const char *describe_closer(const struct connection *connection)
{
	if (connection->is_reset)
		return "the connection was reset";
	return connection->closed_first ? "this side closed first" : "the peer closed first";
}

void connection_close(struct connection *connection, const struct trace *trace)
{
	if (!connection->is_shut_down)
		connection->closed_first = !connection->peer_closed;
	sys_close(connection->fd);
	trace_print(trace, "close(): %s", describe_closer(connection));
	if (trace->is_on && connection->remote.sa.sa_family != AF_UNIX)
		trace_state(connection, trace);
}
