/* SPDX-License-Identifier: MIT */
/*
 * The cast of a lesson about what goes over one connection: a client, which is a process of its
 * own, and a server, which is the lesson's own process; each holds its end alone. A lesson's own
 * process.
 */
#ifndef DEMO_PAIR_H
#define DEMO_PAIR_H

#include "demo/kernel.h"
#include "demo/output.h"
#include "demo/process.h"

struct pair {
	struct output *out;
	int mss; /* the server takes no larger segments; 0: the system's size */
	struct process client, server;
	int client_fd, conn; /* the client's end, in the client; the server's, here */
	struct ends ends;
};

enum { PAIR_SERVER = 1 }; /* the server's column */

/*
 * Begins a scene under that heading with a new connection; gives up without. stage and mss are
 * set before.
 */
void pair_open(struct pair *pair, const char *heading);

/* Closes both ends and ends the client. */
void pair_close(struct pair *pair);

#endif
