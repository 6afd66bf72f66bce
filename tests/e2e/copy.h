/* SPDX-License-Identifier: MIT */
/* A server with one program: copies of tests/e2e/copy_app.c, titled app. */
#ifndef E2E_COPY_H
#define E2E_COPY_H

#include "harness.h"

/* Every member may be left out: one copy of the program without arguments. */
struct copy_plan {
	const char *words[4]; /* its arguments */
	const char *shell;    /* a script of sh that finds the program in $0 */
	const char *script;   /* a file to be executed instead */
	unsigned copies;
	const char *options; /* lines of the section program, and of the whole file */
	const char *main;
	const char *more_listens; /* whole sections */
	bool has_service;         /* the listener is served by ack, and the program by another */
};

/* Start the server; copy_server waits until it is ready. */
struct server *copy_server(const struct copy_plan *plan);
struct server *copy_launch(const struct copy_plan *plan);

/* Writes the configuration of that plan for the running server, at the address of its listener. */
void copy_configure(struct server *s, const struct copy_plan *plan);

/* Connects, sends the line, and expects that answer. copy_pid asks for the pid. */
void copy_ask(const char *address, const char *line, const char *answer);
pid_t copy_pid(const char *address);

/* Returns that number of the first program in -s status --json. */
int64_t copy_figure(const struct server *s, const char *name);

/* As server_stop, for copies that have children, whose first one is `below` (0: it has ended). */
void copy_stop(struct server *s, pid_t below);

/* Connects, asks for the flag of the listener, and stays: the copy that answers is kept. */
int copy_hold(const char *address, const char *flag);

/* Reloads, which has to succeed. */
void copy_reload(struct server *s);

/* Returns the place of the text in what the server has printed, or NULL. */
const char *copy_said(const struct server *s, const char *text);

#endif
