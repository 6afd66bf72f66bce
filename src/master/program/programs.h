/* SPDX-License-Identifier: MIT */
/*
 * The programs of one generation: starts and replaces their copies, and ends them. A generation
 * without programs has none of this: each function takes NULL. Master only.
 */
#ifndef MASTER_PROGRAM_PROGRAMS_H
#define MASTER_PROGRAM_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/command.h"
#include "config/conf.h"
#include "config/identity.h"
#include "master/program/program.h"
#include "net/listener.h"

struct programs {
	struct program *list;
	unsigned count;
};

/*
 * Checks the command, user and directory of each program of conf (config/command.h) into `found`,
 * which has room for all. `identity` is the workers'. Returns false with err, which has the place.
 * May wait for the name service.
 */
bool programs_check(const struct conf *conf, const struct identity *identity,
		    struct command_found *found, struct err *err);

/*
 * Makes the programs of conf, none of them started, with what programs_check has found, and with
 * their sockets of `listeners`, in that order. conf and listeners must outlive them. *made is NULL
 * when conf has no program. Returns false with err.
 */
bool programs_new(const struct conf *conf, const struct command_found *found,
		  const struct listener_set *listeners, struct programs **made, struct err *err);

/* No copy may be alive. */
void programs_free(struct programs *programs);

/* Lets all copies start at the next programs_start_due. generation: the id of theirs. */
void programs_begin(struct programs *programs, struct loop *loop, struct scoreboard *board,
		    unsigned generation, int64_t now_ms);

/* Their generation is the current one now; NULL: it has none. */
void programs_put_in_force(const struct programs *programs, struct scoreboard *board);

/*
 * Returns true once all first copies are ready. Returns false with err when one cannot become ready
 * or ready_timeout has passed; while they are awaited, err->text is left alone. `what`: "new " or
 * "".
 */
bool programs_have_started(struct programs *programs, const char *what, int64_t now_ms,
			   struct err *err);

/* Returns the longest ready_timeout of all, or `least`. */
int64_t programs_timeout_ms(const struct programs *programs, int64_t least_ms);

/*
 * Notes which copies are ready or hang, kills those whose time is over, and replaces those of
 * max_age and max_memory.
 */
void programs_look(struct programs *programs, int64_t now_ms);

/* Starts the copies that are due. */
void programs_start_due(struct programs *programs, int64_t now_ms);

/* When one of these, or programs_have_started, is due next; or otherwise_ms. */
int64_t programs_due_ms(const struct programs *programs, int64_t otherwise_ms);

/*
 * Tells all copies to end, by their stop_signal, with SIGKILL for their groups once
 * shutdown_timeout is over.
 */
void programs_retire(struct programs *programs);

/* A stop that becomes faster: sends the copies their stop_signal once more, or SIGKILL. */
void programs_hurry(struct programs *programs, bool is_kill);

/* One copy of each program more or less; false: there is no room, or one is left of each. */
bool programs_more(struct programs *programs, int64_t now_ms);
bool programs_less(struct programs *programs, int64_t kill_ms);

/* Counts the copies that have still to end; those that should run; those that are ready. */
unsigned programs_alive(const struct programs *programs);
unsigned programs_wanted(const struct programs *programs);
unsigned programs_wanted_of(const struct programs *programs, const char *title);
unsigned programs_ready(const struct programs *programs);

/* Before the child is reaped, if it is a copy: kills what is left of its group. */
void programs_end_group(const struct programs *programs, pid_t pid);

/* Takes note of a dead child; false when it was no copy of these. */
bool programs_reap(struct programs *programs, pid_t pid, int status, int64_t now_ms);

/*
 * Returns the pid of the first living copy once *has_passed, which becomes true at the copy
 * `after`; 0: there is none.
 */
pid_t programs_next_pid(const struct programs *programs, pid_t after, bool *has_passed);

/* Once a second: processor time and memory of the copies. */
void programs_sample(struct programs *programs);

/* Of the generation in force: publishes how many copies run, and their memory. */
void programs_publish(const struct programs *programs);

#endif
