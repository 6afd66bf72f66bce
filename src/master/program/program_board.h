/* SPDX-License-Identifier: MIT */
/* The rows of programs and their copies in the scoreboard. Master only. */
#ifndef MASTER_PROGRAM_PROGRAM_BOARD_H
#define MASTER_PROGRAM_PROGRAM_BOARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "master/program/program.h"

/*
 * Sets the row of the program: that of its title, a new one, or that of a program which no
 * generation has any more, whose counts go to the last row. When none is left it is the last one,
 * which is shared. program_board_leave: its generation is gone, and may not have been enlisted.
 */
void program_board_enlist(struct program *program);
void program_board_leave(const struct program *program);

/*
 * The programs in force are these, which were enlisted: all other rows are gone.
 */
void program_board_put_in_force(struct scoreboard *board, const struct program *list,
				unsigned count);

/* The counts of the program, for its cells to be added to. */
struct program_tally *program_board_tally(const struct program *program);

/* A copy was started; its state has changed; it has ended. */
void program_board_start(struct copy *copy);
void program_board_note(struct copy *copy);
void program_board_end(struct copy *copy, int status, bool is_crash);

/* Shows the STATUS= that the copy has sent. */
void program_board_tell(const struct copy *copy, const char *status);

/* Reads processor time and memory of the living copies. */
void program_board_sample(struct program *program);

/* Sums up the copies of the programs in force by row: how many there are, and their memory. */
void program_board_publish(struct scoreboard *board, const struct program *list, unsigned count);

#endif
