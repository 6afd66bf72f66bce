/* SPDX-License-Identifier: MIT */
/* What happens, step by step on stderr, each with the seconds since the start (-v). One process. */
#ifndef CLIENT_STORY_H
#define CLIENT_STORY_H

#include <stdbool.h>
#include <stdint.h>

struct story {
	bool is_told, has_colour;
	int64_t start_us;
};

/* Begins one that is told, or one that is not, on which story_tell does nothing. */
void story_start(struct story *story, bool is_told);

/* One line. Keeps errno. */
void story_tell(const struct story *story, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
