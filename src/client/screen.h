/* SPDX-License-Identifier: MIT */
/*
 * The place where answers (standard output) and steps (standard error) meet when both are the same
 * terminal: a step that follows the bytes of an answer first ends their line. One process.
 */
#ifndef CLIENT_SCREEN_H
#define CLIENT_SCREEN_H

#include <stdbool.h>

struct screen {
	bool is_shared;   /* standard output and error are the same terminal */
	bool is_typed_on; /* and so is standard input */
	bool is_mid_line; /* the last byte of an answer on it was no newline */
};

void screen_init(struct screen *screen);

/* Notes the last of the bytes that were written to standard output. */
void screen_wrote(struct screen *screen, char last);

/* Notes the last of the bytes that were read from standard input: the terminal has echoed it. */
void screen_read(struct screen *screen, char last);

/* Ends the line of an answer, if one has begun, so that a line on standard error may follow. */
void screen_break_line(struct screen *screen);

#endif
