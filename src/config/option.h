/* SPDX-License-Identifier: MIT */
/*
 * The options as rows (tables/options.def): reading, checking, writing and comparing one option,
 * and its names in other servers. Defaults and bounds are text, read by the
 * same function as the user's words. Any process for the rows; reading allocates (TEXT, NETS,
 * LIST), so master only.
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "config/option_type.h"

enum { OPTION_NAME = 64 }; /* large enough for any full name */

struct listen_conf; /* config/conf_fields.h */

extern const struct option options[];
extern const size_t option_count;

struct section_row {
	const char *name;
	enum section_form form;
	enum option_section options; /* whose rows it has */
	const char *service;         /* it may only have the rows of that service; "": all */
	const char *title, *sample;  /* what the title is, and one; "": it has none */
};
extern const struct section_row option_sections[SECTION_COUNT];

/* Returns the section that libconfuse calls by that name. */
enum option_section option_find_section(const char *name);

/* True when the section may have the option. */
bool option_is_of(enum option_section section, const struct option *option);

/* Returns the row of section and name, or NULL. */
const struct option *option_find(enum option_section section, const char *name);

/*
 * Returns the row that a name of the user means, written without its section or with one: that of
 * the section, if it has such an option, or else of any section. NULL: no section has it, or there
 * is no such section.
 */
const struct option *option_find_meant(const char *name);

/* True for an option that takes any number of words. */
bool option_is_list(const struct option *option);

/*
 * Writes "log.level" for section log, the bare name for main, "listen.backlog" for listen. text has
 * OPTION_NAME bytes. Returns text.
 */
const char *option_full_name(const struct option *option, char *text);

/*
 * Writes "service ack", or "services http and status": those that know the option, of which there
 * is at least one. text has OPTION_SERVICES bytes. Returns text.
 */
enum { OPTION_SERVICES = 128 };
const char *option_services(const struct option *option, char *text);

/* True when that service knows the option, and not every one does; service "": every one does. */
bool option_is_for(const struct option *option, const char *service);

/*
 * Reads `count` words (one, except for a list) into the field of the struct at `object`, and frees
 * its earlier value. Checks kind and bounds. Returns false with err (`"lots" is not a number (1 to
 * 65535)`), and the value is unchanged.
 */
bool option_read(const struct option *option, void *object, const char *const *words, size_t count,
		 struct err *err);

/* True when option_read would accept this one word (for a list: as one of its words). */
bool option_check(const struct option *option, const char *word, struct err *err);

/*
 * Sets every option of the section in object, which is zeroed, to its default. Returns false with
 * err (CODE_OSERR) without memory. option_free frees the options' memory, after a failure too.
 */
bool option_defaults(enum option_section section, void *object, struct err *err);
void option_free(enum option_section section, void *object);

/*
 * Writes `name = value` in the configuration file's form, or the value alone: texts quoted, lists
 * in braces.
 */
void option_write(const struct option *option, const void *object, FILE *out);
void option_write_value(const struct option *option, const void *object, FILE *out);

/* Makes the field in `to` a copy of that in `from`. Returns false with err without memory. */
bool option_copy(const struct option *option, void *to, const void *from, struct err *err);

/* True when the option has its default in object. */
bool option_is_default(const struct option *option, const void *object);

/* True when the option has the same value in both structs. */
bool option_equal(const struct option *option, const void *a, const void *b);

/*
 * Writes the row's allowed values for a message: "1 to 65535", "raw, line or length", "a duration
 * such as 30s, 1s to 2h, or off". text has 256 bytes. Returns text.
 */
const char *option_allowed(const struct option *option, char *text);

/*
 * Returns a sentence on what a reload that changes the option does; "" when it applies the change.
 */
const char *option_reload_sentence(const struct option *option);

/*
 * Returns a key of the options of a listener on which the state of its connections rests: a hash of
 * the names and values of all OPEN rows of section listen. A connection can continue only under a
 * listener of the same key. Without memory it returns 0, which is no key. Any process.
 */
uint64_t option_state_key(const struct listen_conf *conf);

/*
 * Returns a hint on what to write instead of another server's name of an option in that section
 * (config/foreign.h), or NULL when the section has no row of that name.
 */
const char *option_foreign(enum option_section section, const char *name);

#endif
