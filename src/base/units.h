/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people write them: 4096, 30s, 64k, yes, 0644. Reading is strict: the whole text, no
 * sign, no blank, no overflow. Writing takes the largest unit that leaves no remainder, so that it
 * reads back to the same value. Pure functions; any process.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UNITS_TEXT = 32 }; /* room for any text that the writers make */

/* Each returns false and leaves *value alone when text is not of its kind. */
bool units_read_count(const char *text, int64_t *value);       /* 0 1 4096 */
bool units_read_duration(const char *text, int64_t *value_ms); /* 250ms 30s 5m 2h; bare: seconds */
bool units_read_seconds(const char *text, int64_t *value_ms);  /* the same, and 0.5 1.25s */
bool units_read_size(const char *text, int64_t *value_bytes);  /* 512 4k 4K 1m 2g: powers of 1024 */
bool units_read_flag(const char *text, bool *value);           /* yes no on off true false */
bool units_read_mode(const char *text, int64_t *value);        /* octal: 644 0644 */

/* Each writes into text (UNITS_TEXT bytes) and returns it. */
const char *units_write_count(int64_t value, char *text);
const char *units_write_duration(int64_t value_ms, char *text);
const char *units_write_size(int64_t value_bytes, char *text);
const char *units_write_mode(int64_t value, char *text);

/*
 * The word among `words` (an array of `count`) nearest to `text` by edit distance (swap of
 * neighbours counts one, capitals count as small letters), or NULL when none is near enough to be
 * meant.
 */
const char *units_nearest(const char *text, const char *const *words, size_t count);

#endif
