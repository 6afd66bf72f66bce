/* SPDX-License-Identifier: MIT */
/* Runs prefork-client bench with a test as its server, and reads its report. */
#ifndef CLI_BENCH_PEER_H
#define CLI_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/client_process.h"

/* The client, and the listener that it connects to; made anew for each test. */
extern struct client_process bench_client;
extern int bench_peer_listener;     /* -1: none */
extern char bench_peer_address[64]; /* of the listener */
extern char bench_peer_url[96];     /* http://ADDRESS/x */

int bench_peer_set_up(void **state);
int bench_peer_tear_down(void **state);
#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_peer_set_up, bench_peer_tear_down)

/* Starts the client with --csv and the arguments. */
#define BENCH(...) RUN_CLIENT(&bench_client, "bench", "--csv", __VA_ARGS__)

/* Waits for the client's end and asserts that the report has as many values as names. */
void bench_peer_wait(void);

/*
 * The same, and asserts that stderr is empty, and the exit code, the count of that name and the
 * count of errors.
 */
void bench_peer_assert_counts(int code, const char *name, double count, double errors);

/* The value of that name in the report. */
double bench_peer_value(const char *name);

/* The next connection, within WAIT_MS. */
int bench_peer_accept(void);

/* Receives exactly n bytes; bench_peer_echo sends them back. */
void bench_peer_receive(int fd, char *bytes, size_t n);
void bench_peer_echo(int fd, size_t n);

/* True when the descriptor is readable. */
bool bench_peer_has_more(int fd);

/* Echoes `messages` messages of that size, on whichever connection each arrives. */
void bench_peer_echo_all(const int *fds, int count, size_t size, int messages);

#endif
