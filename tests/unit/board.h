/* SPDX-License-Identifier: MIT */
/* A scoreboard in memory, filled by hand, and the reports on it. For tests of reports. */
#ifndef UNIT_BOARD_H
#define UNIT_BOARD_H

#include "stats/report.h"

/* An empty board with a valid head. The caller owns it: free(3). */
struct scoreboard *board_new(void);

/* Puts a living process into the slot and returns the slot. */
struct slot *board_live(struct scoreboard *board, unsigned slot, unsigned number,
			enum slot_state state);

/* A board with two listeners, three workers of which one drains, and one record of each kind. */
struct scoreboard *board_typical(void);

/* The fullest possible board, with the longest numbers and names that master and workers write. */
struct scoreboard *board_full(void);

/* Fills the board with garbage derived from the seed; many numbers are just within their bounds. */
void board_spoil(struct scoreboard *board, uint64_t seed);

/* A report on the board, at times that fit the functions above. */
struct report board_report(const struct scoreboard *board);

/*
 * Returns the whole report, with a NUL, written through texts of `chunk` bytes, which are on the
 * heap so that a sanitizer sees their ends. The caller owns it: free(3). board_longest: bytes of
 * the longest piece.
 */
char *board_write(const struct report *report, const struct piece *parts, unsigned count,
		  size_t chunk);
size_t board_longest(const struct report *report, const struct piece *parts, unsigned count);

#endif
