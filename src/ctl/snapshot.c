/* SPDX-License-Identifier: MIT */
/* Finds the server by the lock on its pid file and copies its scoreboard. It shows nothing. */
#include "ctl/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "master/pidfile.h"

bool snapshot_open(struct snapshot *look, const char *pid_file, struct err *err)
{
	memset(look, 0, sizeof(*look));
	look->pid_file = pid_file;
	scoreboard_path(pid_file, look->board_path, sizeof(look->board_path));
	/* calloc does not align to cache lines, as the struct wants it */
	look->copy = aligned_alloc(_Alignof(struct scoreboard), sizeof(*look->copy));
	return look->copy != NULL ||
	       err_errno(err, CODE_OSERR, "cannot make room for the scoreboard");
}

void snapshot_close(struct snapshot *look)
{
	free(look->copy);
	look->copy = NULL;
}

/* A server that cannot be seen is another trouble than none at all, and the worse one to mix up. */
static void tell_trouble(struct snapshot *look, const struct err *board_err)
{
	look->trouble.text[0] = '\0';
	if (look->pid == 0) {
		pidfile_nobody(look->pid_file, &look->trouble);
	} else if (!look->has_board) {
		look->trouble = *board_err;
		err_prefix(&look->trouble,
			   "the server (pid %d) runs, but cannot be seen: ", (int)look->pid);
	}
}

/* Nobody's scoreboard that is not there is no news; one that cannot be read is. */
static void add_board_trouble(struct snapshot *look, const struct err *board_err)
{
	struct err both;

	if (look->pid != 0 || look->has_board || access(look->board_path, F_OK) < 0)
		return;
	err_set(&both, CODE_FAILED, "%s; %s", look->trouble.text, board_err->text);
	look->trouble = both;
}

void snapshot_take(struct snapshot *look)
{
	struct err board_err = { 0 };

	look->pid = pidfile_owner(look->pid_file);
	look->has_board = scoreboard_copy(look->board_path, look->copy, &board_err);
	tell_trouble(look, &board_err);
	add_board_trouble(look, &board_err);
	look->report = (struct report){ .board = look->copy,
					.now_ms = clock_ms(),
					.now_s = time(NULL),
					.is_alive = look->pid != 0 };
	if (!look->has_board)
		return;
	tally_look(&look->crew, look->copy);
	look->report.crew = &look->crew;
}
