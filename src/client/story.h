/* SPDX-License-Identifier: MIT */
/* What happens, step by step on stderr, each with the seconds since the start (-v). One process. */
#ifndef CLIENT_STORY_H
#define CLIENT_STORY_H

#include <stdbool.h>
#include <stdint.h>

struct trace {
	bool is_on, has_colour;
	int64_t start_us;
};

/* Begins one that is told, or one that is not, on which trace_print does nothing. */
void trace_init(struct trace *trace, bool is_on);

/* One line. Keeps errno. */
void trace_print(const struct trace *trace, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
