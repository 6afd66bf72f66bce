/* SPDX-License-Identifier: MIT */
/*
 * The reload: read and check in a child, load, take over and open sockets, start the new workers,
 * wait until all are ready, then retire the old ones. Whatever fails leaves everything as it was.
 * Master only.
 */
#ifndef MASTER_RELOAD_H
#define MASTER_RELOAD_H

#include <stdint.h>

#include "master/server.h"

/* Begins a reload, or makes sure that one follows the one under way or the start. */
void reload_ask(struct server *server);

/* Goes on when it can: the trial has ended, all are ready, one has failed, or time is over. */
void reload_step(struct server *server, int64_t now_ms);

/*
 * The server stops: ends a reload under way and tells whoever waits for it, or for the one after
 * it.
 */
void reload_abandon(struct server *server);

/* When reload_step has something to do without anything else happening, or otherwise_ms. */
int64_t reload_due_ms(const struct server *server, int64_t otherwise_ms);

#endif
