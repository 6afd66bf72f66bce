/* SPDX-License-Identifier: MIT */
/*
 * A pipe whose lines are heard in a loop (base/output_lines.h): it is watched, let alone for the
 * rest of a second whose bytes are spent, and watched again. One process.
 */
#ifndef BASE_OUTPUT_WATCH_H
#define BASE_OUTPUT_WATCH_H

#include "base/loop.h"
#include "base/output_lines.h"

struct output_watch {
	struct watch watch; /* fd -1: closed */
	struct loop *loop;
	struct output_lines lines;
	void (*heard)(void *owner); /* called after each reading in the loop; may be NULL */
};

/* Makes a closed one. The lines' owner is that of both functions. */
void output_watch_init(struct output_watch *output,
		       void (*line)(void *owner, const char *text, bool is_cut),
		       void (*heard)(void *owner), void *owner);

/*
 * Takes fd over, non-blocking, and watches it. Returns false with errno set when it cannot be
 * watched; it is open all the same.
 */
bool output_watch_open(struct output_watch *output, struct loop *loop, int fd);
void output_watch_close(struct output_watch *output);

/* The same, but leaves it alone until output_watch_resume. */
void output_watch_hold(struct output_watch *output, struct loop *loop, int fd);

/* Watches on where output_lines_resume allows it, which it does after lost lines were taken. */
void output_watch_resume(struct output_watch *output, int64_t now_ms);

/* Reads what a dead source has left, a bounded amount, up to a last line without its end. */
void output_watch_drain(struct output_watch *output, int64_t now_ms);

#endif
