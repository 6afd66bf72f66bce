/* SPDX-License-Identifier: MIT */
/* Finds, gives out and sums the rows of servers (stats/server_rows.h). It judges no server. */
#ifndef STATS_SERVERS_H
#define STATS_SERVERS_H

#include "stats/scoreboard.h"

/*
 * Returns the row of that server, a new one, or that of a server that is gone and that no
 * generation has; -1: all are in use, or errno is set as there is no space. One more user has it
 * from now on. Master only.
 */
int server_enlist(struct scoreboard *board, const char *upstream, const char *address);

/* One user less. Master only. */
void server_leave(struct scoreboard *board, unsigned row);

/* Returns the row of that server, or -1. Any process. */
int server_find(const struct scoreboard *board, const char *upstream, const char *address);

/* The connections to the server of all workers; the clients that wait for its upstream. */
uint32_t server_live(const struct scoreboard *board, unsigned row);
uint32_t server_waiting(const struct scoreboard *board, unsigned row);

/* True when a client that came before that time waits for a place in another slot. */
bool server_has_older(const struct scoreboard *board, unsigned row, unsigned slot, int64_t came_us);

/* Sets the counts of a slot in all rows to 0: nothing of its connections is left. */
void server_forget_slot(struct scoreboard *board, unsigned slot);

/*
 * Copies the addresses of a server that has a name, at most SERVER_ADDRESSES; returns their number.
 * Any process.
 */
unsigned server_read_names(const struct server_names *names, struct addr *list);

/* Writes them; the port is in each. For the processes that look names up. */
void server_write_names(struct server_names *names, const struct addr *list, unsigned count);

/*
 * The order to drain the server of that row, or to undrain it, as the value of a signal
 * (sigqueue(3)). The master finds the row again, unless another server has it by now: then -1.
 */
int server_order(const struct scoreboard *board, unsigned row, bool is_drain);
int server_ordered(const struct scoreboard *board, int order, bool *is_drain);

#endif
