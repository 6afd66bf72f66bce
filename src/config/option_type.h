/* SPDX-License-Identifier: MIT */
/*
 * The kinds of options, a row of functions each: how a value of the kind is read, written, compared
 * and freed. For config/option.c alone. `field` is the option's own field in its struct.
 */
#ifndef CONFIG_OPTION_TYPE_H
#define CONFIG_OPTION_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "config/option.h"

struct option_type {
	size_t size; /* bytes of a field */
	/* Reads words into a zeroed field; on failure err, and nothing is left to free. */
	bool (*read)(const struct option *option, void *field, const char *const *words,
		     size_t count, struct err *err);
	void (*write)(const struct option *option, const void *field, FILE *out);
	bool (*equal)(const void *a, const void *b);
	void (*free)(void *field);
	/* What the row allows; text: OPTION_TYPE_ALLOWED bytes. */
	const char *(*allowed)(const struct option *option, char *text);
};

enum { OPTION_TYPE_ALLOWED = 256 };

/* In the order of enum option_kind. */
extern const struct option_type kinds[];

#endif
