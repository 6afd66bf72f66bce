/* SPDX-License-Identifier: MIT */
/*
 * All that the master knows and holds: one struct, made by master_run and handed to the files that
 * act on it (start, reload, reopen, stop, orders, tidings). Master only.
 */
#ifndef MASTER_SERVER_H
#define MASTER_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "config/signals.h"
#include "master/config_trial.h"
#include "master/master.h"
#include "master/pidfile.h"
#include "master/procs.h"
#include "master/readyfd.h"
#include "master/recycle.h"
#include "master/sampler.h"
#include "master/watchdog.h"
#include "master/workers.h"

enum { SERVER_READY_MS = 30000 }; /* how long a generation may take until all are ready */

enum reload_phase { RELOAD_IDLE, RELOAD_TRYING, RELOAD_STARTING, RELOAD_HANDING };

struct reload {
	enum reload_phase phase;
	bool again; /* asked for during the one under way, or during the start */
	int64_t begun_ms;
	int64_t deadline_ms; /* STARTING, HANDING: when that has to be over */
	int64_t took_ms;     /* until the new configuration was in force */
	struct config_trial trial;
};

struct reopen {
	struct err failure; /* the master's own, "" none */
	bool is_pending;
	bool again; /* asked for during the one under way */
	int64_t begun_ms;
};

/* In the order in which one makes the other worse. */
enum stop_how { STOP_NOT, STOP_GRACEFUL, STOP_FAST, STOP_KILL };

struct stop {
	enum stop_how how;
	int64_t deadline_ms; /* when it becomes the next one; 0: never */
};

struct tidings {
	char status[128];    /* what the service manager was told last */
	int64_t watchdog_ms; /* when it was last told that we live */
};

struct server {
	const struct master_options *options;
	struct conf_source source; /* of the options, with the directory of the start */
	struct loop loop;
	struct watch signals, bells;     /* fd -1: not open */
	unsigned heard[SIGNAL_REAP + 1]; /* signals of each action, but for stops, not yet obeyed */
	struct pidfile pidfile;
	struct scoreboard *board;
	char board_path[sizeof(((struct pidfile *)0)->path) + 16];
	struct procs procs;
	struct watchdog watchdog;
	struct recycle recycle;
	struct sampler sampler;
	struct reload reload;
	struct reopen reopen;
	struct stop stop;
	struct tidings tidings;
	struct readyfd ready;
	int report_fd;       /* to a daemon's starter, -1 once it knows */
	int64_t deadline_ms; /* of the start */
	bool is_started;     /* the first generation was ready */
	struct err outcome;  /* what master_run returns; text: a failure that nobody has told yet */
};

#endif
