/* SPDX-License-Identifier: MIT */
/* Runs prefork-client bench with a test as its server, and reads what it reports. */
#ifndef CLI_BENCHING_H
#define CLI_BENCHING_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/talking.h"

/* Starts it with --csv and the arguments. */
#define BENCH(t, ...) TALK((t), "bench", "--csv", __VA_ARGS__)

/* Waits for its end and sees that the report has as many values as names. */
void benching_wait(struct talking *t);

/* The value of that name in the report. */
double benching_figure(const struct talking *t, const char *name);

/* The next connection, within WAIT_MS. */
int benching_accept(int listener);

/* Receives exactly n bytes. */
void benching_receive(int fd, char *bytes, size_t n);

/* True when bytes are there to be received. */
bool benching_has_more(int fd);

/* Sends messages of that size back, whichever connection they come on, until there were so many. */
void benching_echo_all(const int *fds, int count, size_t size, int messages);

#endif
