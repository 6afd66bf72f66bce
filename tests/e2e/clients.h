/* SPDX-License-Identifier: MIT */
/*
 * Many clients of service echo: each sends a byte, and is served once it has the answer. For tests
 * of the limits.
 */
#ifndef E2E_CLIENTS_H
#define E2E_CLIENTS_H

#include <stdbool.h>

#include "harness.h"

enum { CLIENTS_MOST = 512 };

struct clients {
	struct server *server;
	int fds[CLIENTS_MOST]; /* -1: it has left, or was turned away */
	bool is_served[CLIENTS_MOST];
	unsigned count;
	unsigned served;                 /* that have an answer, and have not left */
	unsigned answered, ended, reset; /* in all, by what they have received */
	unsigned served_most; /* more than so many at once fail the test; 0: any number */
};

/* Connects so many more from that address (NULL: any), each of which sends its byte. */
void clients_open(struct clients *c, const char *source, const char *address, unsigned count);

/* Receives what has come. */
void clients_look(struct clients *c);

/* So many of those that are served leave; then others may be served. */
void clients_leave(struct clients *c, unsigned count);

/* A byte to and from each one that is served. */
void clients_exchange(struct clients *c);

/* Closes all. */
void clients_close(struct clients *c);

/* Waits until so many have been answered in all, or the condition holds. */
#define CLIENTS_UNTIL(c, condition) WAIT_UNTIL((c)->server, (clients_look(c), (condition)))

#endif
