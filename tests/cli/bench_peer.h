/* SPDX-License-Identifier: MIT */
/* Runs prefork-client bench with a test as its server, and reads what it reports. */
#ifndef CLI_BENCH_PEER_H
#define CLI_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/client_process.h"

/* The client, and the listener that it is to connect to; made anew for each test. */
extern struct talking benching;
extern int benching_listener;     /* -1: none */
extern char benching_address[64]; /* of the listener */
extern char benching_url[96];     /* http://ADDRESS/x */

int benching_set_up(void **state);
int benching_tear_down(void **state);
#define CASE(name) cmocka_unit_test_setup_teardown(name, benching_set_up, benching_tear_down)

/* Starts it with --csv and the arguments. */
#define BENCH(...) TALK(&benching, "bench", "--csv", __VA_ARGS__)

/* Waits for its end and sees that the report has as many values as names. */
void benching_wait(void);

/*
 * The same, and that nothing was said on stderr, the code, the count of that name, and that of
 * errors.
 */
void benching_counts(int code, const char *name, double count, double errors);

/* The value of that name in the report. */
double benching_figure(const char *name);

/* The next connection, within WAIT_MS. */
int benching_accept(void);

/* Receives exactly n bytes; benching_echo sends them back. */
void benching_receive(int fd, char *bytes, size_t n);
void benching_echo(int fd, size_t n);

/* True when bytes are there to be received. */
bool benching_has_more(int fd);

/* Sends messages of that size back, whichever connection they come on, until there were so many. */
void benching_echo_all(const int *fds, int count, size_t size, int messages);

#endif
