/* SPDX-License-Identifier: MIT */
/*
 * Writes members of JSON objects and arrays (RFC 8259) into a text, with the commas that are due.
 * Numbers are exact decimals; what a reader cannot know is null. Any process; no allocation.
 */
#ifndef STATS_JSON_H
#define STATS_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

/* A comma unless this is the first thing in an object, an array or the text. */
void json_next(struct strbuf *text);

/* The name of a member; its value follows. */
void json_key(struct strbuf *text, const char *name);

/* Whole members. A string goes to a NUL or `most` bytes, and twice as many when escaped. */
void json_string(struct strbuf *text, const char *name, const char *value, size_t most);
void json_u64(struct strbuf *text, const char *name, uint64_t value);
void json_i64(struct strbuf *text, const char *name, int64_t value);
void json_bool(struct strbuf *text, const char *name, bool value);

/* Milliseconds as seconds; what is negative is null. */
void json_seconds(struct strbuf *text, const char *name, int64_t ms);

#endif
