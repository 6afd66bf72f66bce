/* SPDX-License-Identifier: MIT */
/*
 * Reads what another process writes to a pipe, and gives it on as whole lines. A call does a
 * bounded amount of work, and so does a second: a source that writes more lines than the limit
 * loses them, counted, while its pipe is still emptied; one that writes more bytes than the limit
 * waits for the next second, and never longer. One process; allocates nothing.
 */
#ifndef BASE_OUTPUT_LINES_H
#define BASE_OUTPUT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OUTPUT_LINES_LONGEST = 2048,  /* bytes of a line; the rest of a longer one is dropped */
	OUTPUT_LINES_AT_ONCE = 16384, /* bytes that one call reads */
	OUTPUT_LINES_A_SECOND = 1000, /* lines; the others of that second are lost */
	/* read, and up to OUTPUT_LINES_AT_ONCE more; the others wait in the pipe */
	OUTPUT_LINES_BYTES_A_SECOND = 256 * 1024
};

struct output_lines {
	int fd; /* the reading end, non-blocking: the caller's */
	/*
	 * Called for each line, without its end; a NUL in it has become "?". is_cut: it was longer.
	 */
	void (*line)(void *owner, const char *text, bool is_cut);
	void *owner;
	uint64_t lost;      /* lines that were lost and not yet taken by output_lines_take_lost */
	int64_t second_ms;  /* the start of the second that counts */
	unsigned in_second; /* lines in it */
	unsigned bytes_in_second;
	bool is_spent;    /* the bytes of this second are read: see output_lines_resume */
	bool is_dropping; /* the rest of the current line is dropped */
	size_t used;
	char text[OUTPUT_LINES_LONGEST + 1];
};

/*
 * Reads what is there, up to OUTPUT_LINES_AT_ONCE, and calls `line`. Returns false at the end of
 * the pipe, after a last line without its end was given on. Once is_spent is set, the caller no
 * longer watches the pipe of a living source.
 */
bool output_lines_read(struct output_lines *lines, int64_t now_ms);

/*
 * Returns true once the second of a source that is_spent is over, and lost lines are taken: the
 * pipe is to be watched again.
 */
bool output_lines_resume(struct output_lines *lines, int64_t now_ms);

/* Gives on a last line without its end: the pipe, which others may keep open, is read no more. */
void output_lines_end(struct output_lines *lines, int64_t now_ms);

/*
 * Returns the number of lost lines once the second in which they were lost is over, or with
 * is_last at once, and begins to count anew; otherwise 0.
 */
uint64_t output_lines_take_lost(struct output_lines *lines, bool is_last, int64_t now_ms);

/*
 * When output_lines_take_lost has something to tell or output_lines_resume allows to go on, or
 * otherwise_ms.
 */
int64_t output_lines_due_ms(const struct output_lines *lines, int64_t otherwise_ms);

#endif
