/* SPDX-License-Identifier: MIT */
/*
 * Numbers in their written form: 4096, 30s, 64k, yes, 0644. Reading is strict: the whole text, no
 * sign, no blank, no overflow. Writing uses the largest unit that leaves no remainder, so that the
 * text reads back to the same value. Pure functions; any process.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UNITS_TEXT = 32 }; /* large enough for any written number */

/* Each returns false and leaves *value unchanged when text is not of its kind. */
bool units_read_count(const char *text, int64_t *value);       /* 0 1 4096 */
bool units_read_duration(const char *text, int64_t *value_ms); /* 250ms 30s 5m 2h; bare: seconds */
bool units_read_seconds(const char *text, int64_t *value_ms);  /* the same, and 0.5 1.25s */
bool units_read_size(const char *text, int64_t *value_bytes);  /* 512 4k 4K 1m 2g: powers of 1024 */
bool units_read_flag(const char *text, bool *value);           /* yes no on off true false */
bool units_read_mode(const char *text, int64_t *value);        /* octal: 644 0644 */

/* Each writes to text (UNITS_TEXT bytes) and returns it. */
const char *units_write_count(int64_t value, char *text);
const char *units_write_duration(int64_t value_ms, char *text);
const char *units_write_size(int64_t value_bytes, char *text);
const char *units_write_mode(int64_t value, char *text);

/*
 * Returns the word among `words` (`count` entries) nearest to `text` by edit distance (a swap of
 * neighbours counts one, case is ignored), or NULL when no word is near enough.
 */
const char *units_nearest(const char *text, const char *const *words, size_t count);

/* True when the blank-separated list has that word. Pure. */
bool units_has_word(const char *list, const char *word);

#endif
