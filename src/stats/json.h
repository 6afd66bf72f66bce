/* SPDX-License-Identifier: MIT */
/*
 * Writes members of JSON objects and arrays (RFC 8259) to a text, with the commas between them.
 * Numbers are exact decimals; an unknown value is null. Any process; no allocation.
 */
#ifndef STATS_JSON_H
#define STATS_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

/* Writes a comma, except at the start of an object, an array or the text. */
void json_next(struct strbuf *text);

/* Writes the name of a member; the caller writes its value. */
void json_key(struct strbuf *text, const char *name);

/* Whole members. A string ends at a NUL or after `most` bytes, or twice as many once escaped. */
void json_string(struct strbuf *text, const char *name, const char *value, size_t most);
#define JSON_TEXT(text, name, array) json_string(text, name, array, sizeof(array))
void json_u64(struct strbuf *text, const char *name, uint64_t value);
void json_i64(struct strbuf *text, const char *name, int64_t value);
void json_bool(struct strbuf *text, const char *name, bool value);

/* Writes milliseconds as seconds; a negative number as null. */
void json_seconds(struct strbuf *text, const char *name, int64_t ms);

#endif
