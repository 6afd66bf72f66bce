/* SPDX-License-Identifier: MIT */
/*
 * Tells the world what is served where: the log, --ready-fd, the greeting, the process title, the
 * scoreboard's head. Master only.
 */
#ifndef MASTER_ANNOUNCE_H
#define MASTER_ANNOUNCE_H

#include "master/server.h"
#include "net/listener.h"

/* Logs which sockets are new in `fresh`, and which of `old` (NULL: none) it no longer has. */
void announce_listeners(const struct listener_set *fresh, const struct listener_set *old);

/* Says in the fresh scoreboard which server this is, and since when. */
void announce_birth(struct scoreboard *board);

/* Shows a configuration that has come into force in the title and in the scoreboard. */
void announce_conf(struct scoreboard *board, const struct conf *conf);

/* All workers of the first generation are ready. */
void announce_started(struct server *server);

#endif
