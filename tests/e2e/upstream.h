/* SPDX-License-Identifier: MIT */
/*
 * Servers of an upstream, which the test itself plays, and a server with service proxy before them.
 */
#ifndef E2E_UPSTREAM_H
#define E2E_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "harness.h"

struct upstream {
	int fd; /* of the socket that is bound to the address */
	char address[64];
	int filling[2]; /* connections that fill its accept queue; -1: none */
	pid_t pid;      /* of a process that serves it; 0: none */
};

/*
 * Listens on a port of its own; upstream_open_path on a unix socket, in a folder of its own.
 * upstream_refuse only has the port; upstream_fill listens, and its accept queue is full;
 * upstream_spawn has a process that returns every byte, for one connection after the other.
 */
void upstream_open(struct upstream *u);
void upstream_open_path(struct upstream *u);
void upstream_refuse(struct upstream *u);
void upstream_fill(struct upstream *u);
void upstream_spawn(struct upstream *u);

/* One that refuses listens from now on. */
void upstream_listen(const struct upstream *u);

/* Frees the port, and ends the process. */
void upstream_close(struct upstream *u);

/* Waits for a connection, and accepts it. upstream_has: true when one comes within ms. */
int upstream_accept(const struct upstream *u);
bool upstream_has(const struct upstream *u, int ms);

/* The client of a connection and its server hear each other. upstream_use: of a new connection. */
void upstream_exchange(int client, int server);
void upstream_use(const struct server *s, const struct upstream *u);

/*
 * The text of a configuration with a listener of service proxy: the lines of the upstream, %s is
 * its server's address; those of the listener; those outside. Valid until the next call.
 */
const char *upstream_conf(const struct upstream *u, const char *lines, const char *listen,
			  const char *main);

/* The same with several servers: servers is the value of the option. */
const char *upstream_conf_of(const char *servers, const char *lines, const char *listen,
			     const char *main);

/* A number of the server with that address in -s status --json; -1: it is not there. */
int64_t upstream_figure(const struct server *s, const char *address, const char *name);
/* True when the status says that of the server, such as "state":"ok". */
bool upstream_is(const struct server *s, const char *address, const char *what);

/* Reloads, which has to succeed. */
void upstream_reload(struct server *s);

/* Kills the worker of that number, and waits until the next one has taken over. */
void upstream_crash(struct server *s, unsigned number);
/* The same once it has nothing in hand. */
void upstream_crash_at_rest(struct server *s, unsigned number);

/* Sends a stream of `size` bytes from one end to the other; all of them must come. */
void upstream_pour(struct server *s, int from, int to, size_t size);

#endif
