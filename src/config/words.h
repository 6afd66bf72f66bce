/* SPDX-License-Identifier: MIT */
/* The blank-separated words of a table's row, as a list. Pure; any process. */
#ifndef CONFIG_WORDS_H
#define CONFIG_WORDS_H

#include <stddef.h>

enum { WORDS_MOST = 32, WORDS_BYTES = 512 };

struct words {
	const char *list[WORDS_MOST]; /* lead into bytes */
	size_t count;
	char bytes[WORDS_BYTES];
};

/* Splits text, which a table of this program holds and which fits. */
void words_split(struct words *words, const char *text);

#endif
