/* SPDX-License-Identifier: MIT */
/*
 * Two programs, "app" and "other app", with two copies each and room for two more, whose processes
 * do not exist: no process can have their pids, so that signals reach nobody. On a clock that the
 * test sets.
 */
#ifndef UNIT_PROGRAMMED_H
#define UNIT_PROGRAMMED_H

#include "master/program/programs.h"

enum { PROGRAMMED_LIST = 2, PROGRAMMED_COPIES = 2, PROGRAMMED_ROOM = 4, PROGRAMMED_NOW = 1000000 };

struct programmed {
	struct scoreboard *board;
	struct loop loop;
	struct program_conf confs[PROGRAMMED_LIST];
	struct program list[PROGRAMMED_LIST];
	struct copy copies[PROGRAMMED_LIST][PROGRAMMED_ROOM];
	struct programs programs;
};

/* Setup and teardown of a test whose state is struct programmed: its copies are to be started. */
int programmed_make(void **state);
int programmed_free(void **state);

/* The copy has a process now; programmed_ready: and is ready, as all copies that should run are. */
void programmed_start(struct copy *copy, int64_t now_ms);
void programmed_ready(struct copy *copy);
void programmed_serve(struct programmed *p);

/* The copy's process has ended with that status of waitpid(2). */
void programmed_end(struct programmed *p, const struct copy *copy, int status, int64_t now_ms);

#endif
