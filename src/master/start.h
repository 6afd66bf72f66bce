/* SPDX-License-Identifier: MIT */
/* The start, from a configuration to workers that are all ready, and the way back. Master only. */
#ifndef MASTER_START_H
#define MASTER_START_H

#include <stdbool.h>
#include <stdint.h>

#include "master/prestart.h"
#include "master/server.h"

/* Nothing is open. */
void start_empty(struct server *server, const struct master_options *asked);

/*
 * Takes everything the server needs, in the order in which a failure harms least, and makes the
 * first generation. `found` is what the checks found for conf. Takes over conf. False with err;
 * start_undo is to be called in any case.
 */
bool start_take(struct server *server, struct conf *conf, const struct prestart_found *found,
		struct err *err);

/*
 * Sees whether all are ready, one has failed or time is over. Nothing once the server has
 * started.
 */
void start_step(struct server *server, int64_t now_ms);

/* When start_step gives up on workers that are not ready, or otherwise_ms. */
int64_t start_due_ms(const struct server *server, int64_t otherwise_ms);

/* Gives everything back. Nobody may be alive. */
void start_undo(struct server *server);

#endif
