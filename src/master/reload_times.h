/* SPDX-License-Identifier: MIT */
/* The time limit of each step of a reload, and that of -s reload for all of them. */
#ifndef MASTER_RELOAD_TIMES_H
#define MASTER_RELOAD_TIMES_H

enum {
	RELOAD_TRIAL_MS = 15000, /* the child reads the configuration, looks up its names and loads
				  * what the workers load; longer than SERVICE_TRIAL_MS */
	RELOAD_LOCKS_MS = 20,    /* other servers hold the folders of unix sockets, all together */
	RELOAD_READY_MS = 30000, /* all new workers become ready; at the start as well */
	RELOAD_HANDING_MS = 500, /* the old workers report that they have stopped accepting */
	RELOAD_MOVING_MS = 5000, /* the old workers pass their connections on */
	RELOAD_STEPS_MS = RELOAD_TRIAL_MS + RELOAD_LOCKS_MS + RELOAD_READY_MS + RELOAD_HANDING_MS +
			  RELOAD_MOVING_MS,

	/* The next multiple of five seconds: the steps, and the master's turns between them. */
	RELOAD_REQUEST_MS = (RELOAD_STEPS_MS / 5000 + 1) * 5000,

	/* Beyond an old worker's shutdown_timeout, its own limit; the reload has ended by then. */
	RELOAD_LEAVE_MARGIN_MS = 2000
};

_Static_assert(RELOAD_REQUEST_MS >= RELOAD_STEPS_MS + 2000, "-s gives up before the reload does");

#endif
