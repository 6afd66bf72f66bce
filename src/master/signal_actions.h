/* SPDX-License-Identifier: MIT */
/* What signals ask of the server. Master only. */
#ifndef MASTER_SIGNAL_ACTIONS_H
#define MASTER_SIGNAL_ACTIONS_H

#include "master/server.h"

/*
 * Reads the pending signals of the server at owner: stops are asked for at once, what else was
 * asked is noted.
 */
void signal_actions_read(void *owner);

/* Carries out what has been noted: reopen, retire, more and less workers, reload. */
void signal_actions_run(struct server *server);

#endif
