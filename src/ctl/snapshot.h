/* SPDX-License-Identifier: MIT */
/*
 * A look at a server from outside: does it live, and what does its scoreboard say. Asks nobody, so
 * that a server that hangs can be looked at too, and keeps a copy of the scoreboard, so that
 * nothing that becomes of the file can harm the reader. Any process but the master.
 */
#ifndef CTL_SNAPSHOT_H
#define CTL_SNAPSHOT_H

#include <stdbool.h>
#include <sys/types.h>

#include "stats/report.h"

struct look {
	const char *pid_file; /* borrowed */
	char board_path[4096 + 16];
	struct scoreboard *copy;
	struct crew crew;
	pid_t pid;            /* of the server that lives; 0: none does */
	bool has_board;       /* report can be read */
	struct report report; /* of the copy */
	struct err trouble;   /* why not all is well; text "": it is */
};

/* Prepares to look at the server of that pid file; false with err (memory). look_end frees. */
bool look_begin(struct look *look, const char *pid_file, struct err *err);
void look_end(struct look *look);

/* Looks, now. */
void look_take(struct look *look);

#endif
