/* SPDX-License-Identifier: MIT */
/*
 * Announces which service is served on which address: in the log, --ready-fd, the greeting, the
 * process title and the scoreboard's head. Master only.
 */
#ifndef MASTER_ANNOUNCE_H
#define MASTER_ANNOUNCE_H

#include "base/loop.h"
#include "base/writer.h"
#include "master/generation.h"

/*
 * Logs the sockets that are new in `fresh`, and those of `old` (NULL: none) that it no longer has.
 */
void announce_listeners(const struct listener_set *fresh, const struct listener_set *old);

/* Shows a configuration that has come into force in the process title and in the scoreboard. */
void announce_conf(struct scoreboard *board, const struct conf *conf);

/* Writes to stdout which service is served on which address, and on a terminal how to stop it. */
void announce_greeting(const struct generation *generation);

/* The --ready-fd descriptor. The master does not wait for its reader. */
struct announce_ready {
	int fd; /* as it was given; -1 once it is closed */
	struct writer writer;
	struct loop *loop; /* that watches the writer; NULL: none does */
	struct watch watch;
	char *text;        /* all lines; NULL unless they are being written */
	size_t start, end; /* of the part that is not written yet */
};

/* Writes the bound addresses, one a line, now or in later turns of the loop; then closes it. */
void announce_ready(struct announce_ready *ready, struct loop *loop,
		    const struct listener_set *listeners);

/* Closes the descriptor, whether all is written or not. */
void announce_close(struct announce_ready *ready);

#endif
