/* SPDX-License-Identifier: MIT */
/*
 * A helper: a process beside the workers of a generation, which does what a worker cannot, such as
 * to start programs: one for each listener of a service, or one for all of them. The master forks
 * it before the generation is ready, starts it anew when it dies, and tells it to leave once the
 * workers of its generation are gone: with SIGNAL_HELPER_LEAVE after a reload, and with
 * SIGNAL_HELPER_STOP, which tells it to be fast, when the server stops; with SIGNAL_HELPER_END it
 * is to leave nothing behind at once.
 * Workers ask the helper of a listener by their links, one for each, so that a worker that was
 * taken over can fill, shut or misuse its own alone. A helper for all listeners has no links.
 * A helper trusts no message, never waits for a worker, and limits its work for each link and turn.
 */
#ifndef WORKER_HELPER_H
#define WORKER_HELPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "config/conf.h"
#include "config/identity.h"
#include "worker/heritage.h"

struct helper_heritage;

/* What helpers of a service do (services.h). */
struct helper_job {
	const char *name; /* in its title and in the log */
	bool is_shared;   /* one process for all listeners of the service */
	/* False: this configuration needs no such helper. NULL: each does. */
	bool (*is_needed)(const struct conf *conf);
	/* The whole life of the process; returns its exit code. */
	int (*run)(const struct helper_heritage *heritage);
	/* The most descriptors that it opens by itself. NULL: few. */
	unsigned (*files)(const struct listen_conf *listen);
	/* What it writes of the scoreboard. NULL: it has none. */
	struct scoreboard_part (*part)(void);
};

/*
 * What a helper inherits: nothing of it changes, but a link may be made anew (helper_take_link). It
 * runs as the master's user, with the signals of config/signals blocked, and holds no other
 * descriptor than the log's, the links' and report_fd.
 */
struct helper_heritage {
	const struct conf *conf;
	const struct listen_conf *listen; /* of a shared one the first */
	struct scoreboard *board;         /* NULL: its job has no part of it */
	const struct identity *identity;  /* of the workers */
	const struct helper_link *links;  /* the helper's ends of these are open */
	unsigned link_count;
	pid_t master_pid;
	int report_fd; /* for helper_report_ready, helper_beat and helper_take_link */
};

/*
 * How long a helper may take to end what it has begun, when it is told to leave, and to be fast;
 * the master kills it a moment later.
 */
enum { HELPER_LEAVE_MS = 5000, HELPER_LEAVE_FAST_MS = 1000 };

/*
 * The helper has given up the privileges that it does not need: it gets SIGNAL_HELPER_LEAVE when
 * the master dies (prctl(2); the change of user would have cleared that), and the master learns
 * that it is ready. Returns false with errno set, or when the master is dead already.
 */
bool helper_report_ready(const struct helper_heritage *heritage);

/* True when that order has come from the master's death, and its workers may still go on. */
static inline bool helper_is_orphan(const struct helper_heritage *heritage)
{
	return getppid() != heritage->master_pid;
}

/*
 * Beats when due_ms has come, so that the master does not take the helper for one that hangs
 * (hang_timeout). Returns when the next beat is due: the loop must turn by then. INT64_MAX: never.
 */
int64_t helper_beat(const struct helper_heritage *heritage, int64_t due_ms, int64_t now_ms);

/*
 * The master has made a link anew, and gives the helper its end of it, which comes on report_fd:
 * takes the next one that waits. *fd is owned by the caller, -1: none waits. Returns false when no
 * more come.
 */
bool helper_take_link(const struct helper_heritage *heritage, unsigned *link, int *fd);

/* The message on report_fd that has such an end. */
struct helper_order {
	uint32_t link;
};

/* The bytes on report_fd from the helper. */
enum { HELPER_IS_READY = 'r', HELPER_BEATS = 'b' };

#endif
