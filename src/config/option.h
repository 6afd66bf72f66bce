/* SPDX-License-Identifier: MIT */
/*
 * The options as rows (tables/options.def): reading, checking, writing and comparing one option,
 * and what other servers call one (tables/foreign.def). Defaults and bounds are text and are read
 * by the same function as the user's words. Any process for the rows; reading allocates (TEXT,
 * NETS), so master only.
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "config/option_type.h"

enum { OPTION_NAME = 64 }; /* room for any full name */

extern const struct option options[];
extern const size_t option_count;

/* The row of section and name, or NULL. */
const struct option *option_find(enum option_section section, const char *name);

/*
 * "log.level" for section log, the bare name for main, "listen.backlog" for listen. text:
 * OPTION_NAME bytes. Returns text.
 */
const char *option_full_name(const struct option *option, char *text);

/*
 * Reads `count` words (one, but for NETS) into the field of the struct at `object`, whose
 * earlier value it frees. Checks kind and bounds. False with err `"lots" is not a number (1 to
 * 65535)`, the value unchanged.
 */
bool option_read(const struct option *option, void *object, const char *const *words, size_t count,
		 struct err *err);

/* True when option_read would take this one word (of a NETS option: one of its words). */
bool option_check(const struct option *option, const char *word, struct err *err);

/*
 * Sets every option of the section in object, which holds zeros, to its default; false with err
 * (CODE_OSERR) when memory is short. option_free frees what they own, after a failure as well.
 */
bool option_defaults(enum option_section section, void *object, struct err *err);
void option_free(enum option_section section, void *object);

/*
 * Writes `name = value` as the configuration file has it, or the value alone: texts quoted,
 * lists in braces.
 */
void option_write(const struct option *option, const void *object, FILE *out);
void option_write_value(const struct option *option, const void *object, FILE *out);

/* True when the option has its default in object. */
bool option_is_default(const struct option *option, const void *object);

/* Same value in both structs. */
bool option_equal(const struct option *option, const void *a, const void *b);

/*
 * What the row allows, for a message: "1 to 65535", "raw, line or length", "a duration such as
 * 30s, 1s to 2h, or off". text: 256 bytes.
 */
const char *option_allowed(const struct option *option, char *text);

/*
 * What to write instead of that name, or NULL when no other server is known to have it. Capitals
 * count as small letters.
 */
const char *option_foreign_name(const char *name);
const char *option_foreign_verb(const char *name);

#endif
