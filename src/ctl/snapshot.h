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

struct snapshot {
	const char *pid_file; /* borrowed */
	char board_path[4096 + 16];
	struct scoreboard *copy;
	struct tally crew;
	pid_t pid;            /* of the server that lives; 0: none does */
	bool has_board;       /* report can be read */
	struct report report; /* of the copy */
	struct err trouble;   /* why not all is well; text "": it is */
};

/*
 * Prepares to look at the server of that pid file; false with err (memory). snapshot_close frees.
 */
bool snapshot_open(struct snapshot *look, const char *pid_file, struct err *err);
void snapshot_close(struct snapshot *look);

/* Looks, now. */
void snapshot_take(struct snapshot *look);

#endif
