/* SPDX-License-Identifier: MIT */
/*
 * The end of the server, in steps: lame_duck, then gracefully, then fast, then by SIGKILL. Ends a
 * reload that is under way. Master only.
 */
#ifndef MASTER_STOP_H
#define MASTER_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "config/signals.h"
#include "master/procs.h"
#include "master/reload.h"

/* Each is faster than the one before. In LAME_DUCK the server still serves, as in NOT. */
enum stop_how { STOP_NOT, STOP_LAME_DUCK, STOP_GRACEFUL, STOP_FAST, STOP_KILL };

struct stop {
	struct procs *procs;
	struct reload *reload;
	enum stop_how how;
	int64_t deadline_ms; /* when the next step follows; 0: never */
};

/* Begins a stop for a signal, SIGNAL_QUIT or SIGNAL_STOP. A second one makes it faster. */
void stop_ask(struct stop *stop, enum signal_action action, int64_t now_ms);

/* The server cannot go on: stops gracefully, without lame_duck, unless it stops already. */
void stop_gracefully(struct stop *stop, int64_t now_ms);

/*
 * The start has failed: kills all workers, and logs nothing, because the starter prints the reason.
 */
void stop_failed_start(struct stop *stop, int64_t now_ms);

/* Makes the stop faster when its time is over. */
void stop_step(struct stop *stop, int64_t now_ms);

/* True when the stop was asked for, and no child of the server lives any more. */
bool stop_is_done(const struct stop *stop);

#endif
