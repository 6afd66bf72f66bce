/* SPDX-License-Identifier: MIT */
/*
 * One log line in the making, as logfmt or as a JSON object. A line that does not fit is cut
 * between two characters and stays well formed. No system call, no allocation; for base/log.
 */
#ifndef BASE_LOGLINE_H
#define BASE_LOGLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOGLINE_SIZE = 8192, LOGLINE_TIME = 64 };

struct logline {
	bool json;
	bool full;           /* something did not fit: what comes after is left out too */
	size_t length, most; /* bytes; with the newline it gets no longer than most */
	char text[LOGLINE_SIZE];
};

/* An empty line that may have so many bytes, at most LOGLINE_SIZE. */
void logline_begin(struct logline *line, bool json, size_t most);

/* Appends the bytes as they are: for parts of a text line that need no name and no quotes. */
void logline_raw(struct logline *line, const char *text);

/* Appends name=value or "name":value; a text is quoted and escaped as far as its form needs it. */
void logline_text(struct logline *line, const char *name, const char *value);
void logline_number(struct logline *line, const char *name, int64_t value);

/* Ends the line with its newline, for which there is always room. */
void logline_end(struct logline *line);

/* Writes 2026-11-22T10:00:00.123Z (UTC) to text (LOGLINE_TIME bytes) and returns it. */
const char *logline_time(int64_t seconds, int milliseconds, char *text);

#endif
