/* SPDX-License-Identifier: MIT */
/* Splits a row's words. Must not meet a user's text: its size is bounded. */
#include "config/words.h"

#include <string.h>

#include "base/err.h"

void words_split(struct words *words, const char *text)
{
	size_t len = strlen(text);
	char *at = words->bytes;

	BUG_ON(len >= sizeof(words->bytes));
	memcpy(words->bytes, text, len + 1);
	words->count = 0;
	while (*(at += strspn(at, " ")) != '\0') {
		char *end = at + strcspn(at, " ");

		BUG_ON(words->count == WORDS_MOST);
		words->list[words->count++] = at;
		at = end;
		if (*end != '\0') {
			*end = '\0';
			at++;
		}
	}
}
