/* SPDX-License-Identifier: MIT */
/* The places of a generation's listeners in the scoreboard. Master only. */
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

#endif
