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
		stage_give_up(pair->stage, "setsockopt(TCP_MAXSEG)");
}

/* The client is hired first: nobody else may hold its end. */
void pair_open(struct pair *pair, const char *heading)
{
	struct order connected, accepted;
	struct addr bound;
	int listener;

	stage_cast(pair->stage, names);
	stage_scene(pair->stage, heading);
	pair->client = cast_hire(pair->stage, STAGE_CLIENT, "client");
	pair->server = cast_self(PAIR_SERVER, names[0]);
	listener = ground_listen(pair->stage, 1, &bound);
	bound_segments(pair, listener);
	connected = pair_client_plays(pair, order_connect(&bound));
	stage_arrow(pair->stage, TO_SERVER, "SYN");
	accepted = pair_server(pair, order_accept(listener, SOON_MS));
	pair->client_fd = (int)connected.result;
	pair->conn = (int)accepted.result;
	sys_close(listener);
	errno = connected.error != 0 ? connected.error : accepted.error;
	if (connected.result < 0 || accepted.result < 0)
		stage_give_up(pair->stage, "a connection on loopback");
	if (!evidence_ends(pair->conn, &pair->ends))
		stage_give_up(pair->stage, "getpeername()");
}

void pair_close(struct pair *pair)
{
	if (pair->conn >= 0)
		sys_close(pair->conn);
	cast_dismiss(pair->stage, &pair->client);
}

struct order pair_client_does(struct pair *pair, struct order order)
{
	return cast_do(pair->stage, &pair->client, order);
}

struct order pair_client_plays(struct pair *pair, struct order order)
{
	return cast_play(pair->stage, &pair->client, order);
}

struct order pair_client(struct pair *pair, struct order order)
{
	return cast_step(pair->stage, &pair->client, order);
}

struct order pair_server_does(struct pair *pair, struct order order)
{
	return cast_do(pair->stage, &pair->server, order);
}

struct order pair_server_plays(struct pair *pair, struct order order)
{
	return cast_play(pair->stage, &pair->server, order);
}

struct order pair_server(struct pair *pair, struct order order)
{
	return cast_step(pair->stage, &pair->server, order);
}
