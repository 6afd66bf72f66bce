/* SPDX-License-Identifier: MIT */
/*
 * The start: all that a server holds, from a configuration to workers that are all ready, and its
 * release. Master only.
 */
#ifndef MASTER_START_H
#define MASTER_START_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "config/pidfile.h"
#include "config/signals.h"
#include "master/announce.h"
#include "master/procs.h"
#include "master/recycle.h"
#include "master/reload.h"
#include "master/reopen.h"
#include "master/sampling/sampler.h"
#include "master/stop.h"
#include "master/trial/prestart.h"
#include "master/watchdog.h"
#include "net/sd_notify.h"
#include "stats/limit_memory.h"

struct server {
	struct conf_source source; /* of the configuration, with the directory of the start */
	bool is_daemon, is_quiet;  /* -d, -q */
	struct loop loop;
	struct watch signals, bells;     /* fd -1: not open */
	unsigned asked[SIGNAL_REAP + 1]; /* signals of each action, except stops, not yet obeyed */
	struct pidfile pidfile;
	struct scoreboard *board;
	struct limit_memory limits;
	struct ticket_memory tickets;
	char board_path[sizeof(((struct pidfile *)0)->path) + 16];
	struct procs procs;
	struct watchdog watchdog;
	struct recycle recycle;
	struct sampler sampler;
	struct reload reload;
	struct reopen reopen;
	struct stop stop;
	struct sd_notify notified;
	struct announce_ready ready;
	int report_fd;       /* to a daemon's starter; -1 once the report is sent */
	int64_t deadline_ms; /* of the start */
	bool is_started;     /* the first generation was ready */
	struct err outcome;  /* result of master_run; text: a failure that is not logged */
};

/* Only ready_fd (-1: none) is open, and it is the server's from here on. */
void start_empty(struct server *server, const struct conf_source *source, int ready_fd);

/*
 * Takes everything the server needs, in the order in which a failure harms least, and makes the
 * first generation. `found` has the checks' results for conf. Takes over conf. Returns false with
 * err; the caller must call start_undo in any case.
 */
bool start_take(struct server *server, struct conf *conf, const struct prestart_found *found,
		struct err *err);

enum start_progress {
	START_NONE, /* the workers are not ready yet, or the server has started already */
	START_DONE, /* just now: all are ready, the pid file is written */
	START_FAILED
};

/*
 * Checks whether all are ready. START_FAILED: err names the worker that failed, or the time limit.
 */
enum start_progress start_step(struct server *server, int64_t now_ms, struct err *err);

/* When start_step gives up on workers that are not ready, or otherwise_ms. */
int64_t start_due_ms(const struct server *server, int64_t otherwise_ms);

/* Releases everything. No worker may be alive. */
void start_undo(struct server *server);

#endif
