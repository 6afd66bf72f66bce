/* SPDX-License-Identifier: MIT */
/*
 * One log line while it is built, as logfmt or as a JSON object. A line that does not fit is cut
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
	bool full;           /* the line was cut: later fields are omitted */
	size_t length, most; /* bytes; the line with its newline has at most `most` */
	char text[LOGLINE_SIZE];
};

/* Starts an empty line of at most `most` bytes, at most LOGLINE_SIZE. */
void logline_begin(struct logline *line, bool json, size_t most);

/* Appends the bytes unescaped, for parts of a text line without name and quotes. */
void logline_raw(struct logline *line, const char *text);

/* Appends name=value or "name":value. A text is quoted and escaped as its form requires. */
void logline_text(struct logline *line, const char *name, const char *value);
void logline_number(struct logline *line, const char *name, int64_t value);

/* Ends the line with its newline, for which there is always room. */
void logline_end(struct logline *line);

/* Writes 2026-11-22T10:00:00.123Z (UTC) to text (LOGLINE_TIME bytes). Returns text. */
const char *logline_time(int64_t seconds, int milliseconds, char *text);

#endif
