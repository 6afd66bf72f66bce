/* SPDX-License-Identifier: MIT */
/*
 * The processes of the lesson proxy: a client, a proxy and a server, each at an address of its own
 * (127.0.0.1, 127.0.0.2, 127.0.0.3), with two connections and so four sockets, each of which one
 * process holds. The proxy does what it is told, call by call, and the names of its calls tell the
 * side: "recv(client)". Client and proxy are forked, the server is the lesson's own process.
 *
 * Draws the calls. The lesson's own process only.
 */
#ifndef DEMO_LESSONS_RELAY_H
#define DEMO_LESSONS_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "demo/kernel.h"
#include "demo/process.h"

enum { RELAY_WAIT_MS = 5000, RELAY_MOST = 64 };

/* The proxy's two sides. */
enum relay_side { RELAY_CLIENT, RELAY_SERVER, RELAY_SIDES };

struct relay {
	struct diagram *out;
	struct process client, proxy, server;
	struct addr proxy_at, server_at; /* where they listen */
	int proxy_listener;              /* the number in the proxy */
	int listener;                    /* of the server */
	int client_fd, conn;             /* the client's end, in it; the server's; -1: closed */
	int side[RELAY_SIDES];           /* the proxy's ends, in it; -1: closed */
	struct ends ends[RELAY_SIDES];   /* of both connections; the client is the left one */
};

/* Forks the processes. The caller has set out. */
void relay_begin(struct relay *relay);

/* Begins a scene with two new connections; with limits their buffers are limited (transfer.h). */
void relay_open(struct relay *relay, const char *heading, bool has_limits);

/* Closes what is open of both connections. */
void relay_close(struct relay *relay);

/* Ends the processes. */
void relay_end(struct relay *relay);

/* The proxy's calls on one side, each in a line. relay_shut: SHUT_WR. */
struct call relay_receive(struct relay *relay, enum relay_side side);
struct call relay_send(struct relay *relay, enum relay_side side, const char *text);
struct call relay_shut(struct relay *relay, enum relay_side side);
struct call relay_close_side(struct relay *relay, enum relay_side side);
/* The same by a reset (SO_LINGER with a time of 0). */
struct call relay_abort_side(struct relay *relay, enum relay_side side);

/* The proxy receives the word from that side and sends it to the other. True when it was whole. */
bool relay_pass(struct relay *relay, enum relay_side from, const char *word);

/*
 * The proxy passes on all that the server's side has room for, in a loop, without blocking. Returns
 * the number of bytes; bytes that do not fit stay in its receive buffer.
 */
int64_t relay_pass_all(struct relay *relay);

/* The calls of client and server, each in a line; the client's with an arrow. */
struct call relay_client_sends(struct relay *relay, const char *text);
struct call relay_client_receives(struct relay *relay);
struct call relay_server_sends(struct relay *relay, const char *text);
struct call relay_server_receives(struct relay *relay);

/* The address of that socket of a process, or of the other end. */
struct addr relay_name(struct relay *relay, const struct process *process, int fd, bool is_peer);

/*
 * Waits until both ends of the connection on that side have this state, at most KERNEL_WAIT_MS, and
 * shows them. True when they have.
 */
bool relay_await_state(struct relay *relay, enum relay_side side, int state);

#endif
