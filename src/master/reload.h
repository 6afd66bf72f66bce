/* SPDX-License-Identifier: MIT */
/*
 * The reload: reads and checks in a child, loads, takes over and opens sockets, starts the new
 * workers, waits until all are ready, then retires the old ones. A failed step leaves everything as
 * it was. Master only.
 */
#ifndef MASTER_RELOAD_H
#define MASTER_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "config/conf.h"
#include "master/procs.h"
#include "master/reload_times.h"
#include "master/trial/config_trial.h"

enum reload_phase { RELOAD_IDLE, RELOAD_TRYING, RELOAD_STARTING, RELOAD_HANDING, RELOAD_MOVING };

struct reload {
	struct procs *procs;
	const struct conf_source *source; /* read anew each time */
	enum reload_phase phase;
	bool again;      /* asked for during the one under way, or during the start */
	bool is_refused; /* the server stops */
	int64_t begun_ms;
	int64_t deadline_ms;   /* STARTING and later: the time limit of the phase */
	uint64_t moved_before; /* connections that had moved by then */
	struct config_trial trial;
};

/* Begins a reload, or has one follow the one under way or the start. */
void reload_ask(struct reload *reload, int64_t now_ms);

/* Continues when the trial has ended, all are ready, one has failed, or time is over. */
void reload_step(struct reload *reload, int64_t now_ms);

/* The server stops: ends a reload under way, and reports to the process that waits for one. */
void reload_abandon(struct reload *reload, int64_t now_ms);

/* When reload_step is due by its time limits, or otherwise_ms. */
int64_t reload_due_ms(const struct reload *reload, int64_t otherwise_ms);

#endif
