/* SPDX-License-Identifier: MIT */
/*
 * The kinds of options, a row of functions each, which read, write, compare and free a value of the
 * kind. Only for config/option.c. `field` is the option's field in its struct.
 */
#ifndef CONFIG_OPTION_TYPE_H
#define CONFIG_OPTION_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/err.h"

struct net_list {
	struct net *nets; /* owned; NULL when count is 0 */
	char **texts;     /* owned: each net in the user's spelling */
	size_t count;
};

/* The words of a list, in order. */
struct text_list {
	char **texts; /* owned; ends with NULL, as execve(2) takes it; NULL when count is 0 */
	size_t count;
};

/* The C type of each kind. */
typedef int64_t kind_COUNT;    /* 0 for the row's word (auto, off) */
typedef int64_t kind_DURATION; /* milliseconds; 0 for the row's word */
typedef int64_t kind_SIZE;     /* bytes; 0 for the row's word */
typedef bool kind_FLAG;
typedef int kind_CHOICE;   /* index into the row's words */
typedef char *kind_TEXT;   /* owned, never NULL; "" when not given */
typedef int64_t kind_MODE; /* permission bits */
typedef struct net_list kind_NETS;
typedef struct text_list kind_LIST;

enum option_kind {
	KIND_COUNT,
	KIND_DURATION,
	KIND_SIZE,
	KIND_FLAG,
	KIND_CHOICE,
	KIND_TEXT,
	KIND_MODE,
	KIND_NETS,
	KIND_LIST,
};

/* The sections as rows (tables/sections.def). */
enum option_section {
#define SECTION(name, form, options, service, title, sample) SECTION_##name,
#include "tables/sections.def"
	SECTION_COUNT
};
enum section_form { SECTION_TOP, SECTION_SINGLE, SECTION_TITLED, SECTION_NESTED };

/* What a reload does with a changed value. */
enum option_reload {
	OPTION_LIVE,   /* applies it */
	OPTION_OPEN,   /* applies it to connections that are accepted later */
	OPTION_RESTART /* is refused */
};

struct option {
	enum option_section section;
	const char *name; /* without its section */
	enum option_kind kind;
	const char *fallback, *min, *max, *words, *service;
	enum option_reload reload;
	const char *sentence;
	size_t offset;     /* of the field in the struct of its section (config/conf_fields.h) */
	bool is_of_listen; /* a section in the listen cannot have it */
};

struct option_type {
	size_t size; /* of a field, in bytes */
	/*
	 * Reads words into a zeroed field. Returns false with err, and then the caller has nothing
	 * to free.
	 */
	bool (*read)(const struct option *option, void *field, const char *const *words,
		     size_t count, struct err *err);
	void (*write)(const struct option *option, const void *field, FILE *out);
	bool (*equal)(const void *a, const void *b);
	void (*free)(void *field);
	/* Makes a zeroed field a copy; false without memory. */
	bool (*copy)(void *to, const void *from);
	/* Writes the row's allowed values to text (OPTION_TYPE_ALLOWED bytes). Returns text. */
	const char *(*allowed)(const struct option *option, char *text);
};

/* True for an option that holds a path. */
bool option_is_path(const struct option *option);

/* True for an option that holds a password's hash: no message shows its value. */
bool option_is_hash(const struct option *option);

/* True for a LIST of a program and its arguments: the first text is a path, or a name for PATH. */
bool option_is_program(const struct option *option);

enum { OPTION_TYPE_ALLOWED = 256 };

/* In the order of enum option_kind. */
extern const struct option_type *const option_types[];

/* NETS and LIST (config/option_list.c). */
extern const struct option_type option_list_of_nets, option_list_of_texts;

#endif
