/* SPDX-License-Identifier: MIT */
/* The end of the server: gracefully, then fast, then by SIGKILL. Master only. */
#ifndef MASTER_STOP_H
#define MASTER_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "master/server.h"

/* Somebody asks: SIGNAL_QUIT or SIGNAL_STOP. A second asking makes it faster. */
void stop_ask(struct server *server, enum signal_action action);

/*
 * The server cannot go on: a start that fails is ended at once and err is what master_run
 * returns; a server that has started logs why and stops gracefully.
 */
void stop_fail(struct server *server, const struct err *err);

void stop_step(struct server *server, int64_t now_ms);

/* It was asked for and nobody lives any more. */
bool stop_is_done(const struct server *server);

#endif
