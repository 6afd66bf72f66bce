/* SPDX-License-Identifier: MIT */
/*
 * The programs of an exec listener that run: started by a worker's request, ended by their own, by
 * the end of the control socket, by their timeout, or by the helper that leaves; each end is
 * reported to whoever holds the other end of the control socket. Helper only.
 *
 *   RUNS --told to end: TERM to its session--> TERMED --after 5 s: KILL--> KILLED
 *   RUNS --exited, reported-----------------> (free)
 *   TERMED, KILLED --exited, reported--> LEFT while its session has processes --none--> (free)
 */
#ifndef SERVICES_EXEC_EXEC_PROGRAM_H
#define SERVICES_EXEC_EXEC_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"
#include "base/output_watch.h"
#include "base/rights.h"
#include "base/timer.h"
#include "services/exec/exec_group.h"
#include "services/exec/exec_message.h"
#include "services/exec/exec_spawn.h"
#include "worker/helper.h"

enum { EXEC_KILL_MS = HELPER_LEAVE_MS, EXEC_KILL_FAST_MS = HELPER_LEAVE_FAST_MS };

enum exec_program_state {
	EXEC_PROGRAM_FREE,
	EXEC_PROGRAM_RUNS,
	EXEC_PROGRAM_TERMED,
	EXEC_PROGRAM_KILLED,
	EXEC_PROGRAM_LEFT
};

struct exec_programs;

struct exec_program {
	struct alarm alarm; /* its timeout, then KILL, then the next look at its session */
	struct exec_programs *all;
	enum exec_program_state state;
	bool timed_out;
	unsigned place; /* in all->live */
	struct exec_group group;
	int64_t started_us, kill_ms;
	struct exec_request request;
	char remote[ADDR_TEXT];
	struct watch control;
	struct output_watch output; /* its standard error; closed: it is the connection */
	struct alarm second;        /* begins to watch both; then see output_lines_due_ms */
	bool is_watched;            /* the control socket was given to the loop */
};

/* A program that lives, as found by its pid or its client. */
struct exec_live {
	struct exec_program *program;
	pid_t pid;
	struct net remote;
	uid_t user; /* of a unix client */
};

struct exec_programs {
	const struct helper_heritage *heritage;
	struct loop *loop;
	struct timer_heap *alarms; /* room for two of each */
	struct exec_spawn spawn;
	struct exec_program *list;  /* `most` */
	struct exec_program **free; /* the free ones */
	struct exec_live *live;     /* `count` that are not free */
	unsigned most, count;
	int64_t kill_after_ms; /* between TERM and KILL */
};

/* Makes room; the caller sets the rest. Returns false with errno set. Allocates. */
bool exec_programs_new(struct exec_programs *programs, const struct command *command,
		       unsigned most);

static inline bool exec_programs_have_room(const struct exec_programs *programs)
{
	return programs->count < programs->most;
}

/*
 * Starts the program of a sound request: got has GIVE_FDS descriptors, which are checked, and
 * closed or owned from now on. There must be room. Returns false when no honest worker sends such
 * descriptors; a start that the system refuses is reported and logged.
 */
bool exec_programs_start(struct exec_programs *programs, const struct exec_request *request,
			 struct rights *got);

/* Reaps what has ended. */
void exec_programs_reap(struct exec_programs *programs);

/* Ends all that run, KILL following after kill_after_ms. */
void exec_programs_end(struct exec_programs *programs, int64_t kill_after_ms);

#endif
