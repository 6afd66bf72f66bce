/* SPDX-License-Identifier: MIT */
/* -s drain and -s undrain: tell the running server about servers of its upstreams. */
#ifndef CTL_DRAIN_H
#define CTL_DRAIN_H

#include <stdbool.h>

#include "base/err.h"
#include "stats/scoreboard.h"

struct drain {
	const char *verb, *server; /* server: ADDRESS, or UPSTREAM/ADDRESS */
	bool is_drain;
	bool quiet;
	const struct scoreboard *board;
	int pidfd; /* of the master */
};

/*
 * Orders it for each server of that name in the configuration in force, waits until the master has
 * noted it, and prints the outcome. Returns false with err.
 */
bool drain_run(const struct drain *drain, struct err *err);

#endif
