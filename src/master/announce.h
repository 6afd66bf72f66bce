/* SPDX-License-Identifier: MIT */
/*
 * Tells the world what is served where: the log, --ready-fd, the greeting, the process title, the
 * scoreboard's head. Master only.
 */
#ifndef MASTER_ANNOUNCE_H
#define MASTER_ANNOUNCE_H

#include "base/loop.h"
#include "base/writer.h"
#include "master/generation.h"

/* Logs which sockets are new in `fresh`, and which of `old` (NULL: none) it no longer has. */
void announce_listeners(const struct listener_set *fresh, const struct listener_set *old);

/* Shows a configuration that has come into force in the title and in the scoreboard. */
void announce_conf(struct scoreboard *board, const struct conf *conf);

/* Says on stdout what is served where, and on a terminal how to stop it. */
void announce_greeting(const struct generation *generation);

/* --ready-fd. Its reader may take its time: the master does not wait for it. */
struct announce_ready {
	int fd; /* as it was given, -1 once it is closed */
	struct writer outlet;
	struct loop *loop; /* watches the outlet; NULL: it does not */
	struct watch watch;
	char *text;        /* all lines; NULL but while they are written */
	size_t start, end; /* of what is not written yet */
};

/* Writes the bound addresses, one a line, now or in later turns of the loop; then closes it. */
void announce_ready(struct announce_ready *ready, struct loop *loop,
		    const struct listener_set *listeners);

/* Closes it, whether all is written or not. */
void announce_close(struct announce_ready *ready);

#endif
