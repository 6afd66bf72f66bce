/* SPDX-License-Identifier: MIT */
/* A scoreboard in memory, filled by hand, and what is written of it. For tests of reports. */
#ifndef UNIT_BOARD_H
#define UNIT_BOARD_H

#include "stats/report.h"

/* Empty but for its head. free(3) frees it. */
struct scoreboard *board_new(void);

/* Somebody lives in that slot from now on. Returns the slot. */
struct slot *board_live(struct scoreboard *board, unsigned slot, unsigned number,
			enum slot_state state);

/* Two listeners, three workers of which one drains, and one of everything that is remembered. */
struct scoreboard *board_typical(void);

/* As full as a board can be, with the longest numbers and names that master and workers write. */
struct scoreboard *board_full(void);

/* Fills the board with rubbish that grows out of the seed; numbers are often just possible. */
void board_spoil(struct scoreboard *board, uint64_t seed);

/* At times that fit what the above write. */
struct report board_report(const struct scoreboard *board);

/*
 * The whole output, ended by a NUL, made through texts of `chunk` bytes, which are on the heap so
 * that a sanitizer sees their ends. free(3) frees it. board_longest: bytes of the longest piece.
 */
char *board_write(const struct report *report, const struct piece *parts, unsigned count,
		  size_t chunk);
size_t board_longest(const struct report *report, const struct piece *parts, unsigned count);

#endif
