/* SPDX-License-Identifier: MIT */
/* The places of a generation's listeners and servers in the scoreboard. Master only. */
#ifndef MASTER_ENLIST_H
#define MASTER_ENLIST_H

#include "master/generation.h"

/*
 * Sets the row of each listener, and names the counters of its module there. Logs a warning when
 * there are too many. Before any worker of the generation.
 */
void enlist_listeners(struct scoreboard *board, const struct generation *generation);

/* Shows the limits of its listeners: the generation is in force. */
void enlist_limits(struct scoreboard *board, const struct generation *generation);
/*
 * Gives each server of the upstreams that listeners use its row, which it has until
 * enlist_leave_servers. Returns false with err, and nothing is changed, when no row is free.
 */
bool enlist_servers(struct scoreboard *board, const struct conf *conf, struct err *err);
void enlist_leave_servers(struct scoreboard *board, const struct conf *conf);

/* The servers of that configuration are those in force; all others are gone. */
void enlist_put_servers_in_force(struct scoreboard *board, const struct conf *conf);

/* Carries out an order about a server (server_order), unless it makes no sense. */
void enlist_drain_server(struct scoreboard *board, int order);

#endif
