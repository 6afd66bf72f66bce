/* SPDX-License-Identifier: MIT */
/* Sets up a client and a server with one connection. Checks nothing of what they do. */
#include "demo/pair.h"

#include "base/sys.h"
#include "demo/ground.h"

static const char *const names[] = { "server", NULL };

enum { SOON_MS = 5000 };

/* What the server says in its SYN/ACK bounds what the client sends in one segment. */
static void bound_segments(struct pair *pair, int listener)
{
	if (pair->mss > 0 &&
	    sys_setsockopt(listener, IPPROTO_TCP, TCP_MAXSEG, &pair->mss, sizeof(pair->mss)) < 0)
		output_skip_rest(pair->out, "setsockopt(TCP_MAXSEG)");
}

/* The client is hired first: nobody else may hold its end. */
void pair_open(struct pair *pair, const char *heading)
{
	struct call connected, accepted;
	struct addr bound;
	int listener;

	output_columns(pair->out, names);
	output_scene(pair->out, heading);
	pair->client = process_fork(pair->out, OUTPUT_CLIENT, "client");
	pair->server = process_self(pair->out, PAIR_SERVER, names[0]);
	listener = process_listen(pair->out, 1, &bound);
	bound_segments(pair, listener);
	connected = process_run_cell(&pair->client, call_connect(&bound));
	output_arrow(pair->out, TO_SERVER, "SYN");
	accepted = process_run_line(&pair->server, call_accept(listener, SOON_MS));
	pair->client_fd = (int)connected.result;
	pair->conn = (int)accepted.result;
	sys_close(listener);
	errno = connected.error != 0 ? connected.error : accepted.error;
	if (connected.result < 0 || accepted.result < 0)
		output_skip_rest(pair->out, "a connection on loopback");
	if (!kernel_ends(pair->conn, &pair->ends))
		output_skip_rest(pair->out, "getpeername()");
}

void pair_close(struct pair *pair)
{
	if (pair->conn >= 0)
		sys_close(pair->conn);
	process_stop(&pair->client);
}
