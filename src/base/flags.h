/* SPDX-License-Identifier: MIT */
/*
 * A command line's flags as rows: reading them (getopt_long(3)) and showing them. Each program has
 * a table of rows in tables/. Any process, before it has begun its work.
 */
#ifndef BASE_FLAGS_H
#define BASE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct flag {
	int letter;                             /* below 32: there is only the long form */
	const char *name, *argument, *sentence; /* argument "": it takes none */
};

struct flags {
	const struct flag *rows;
	size_t count;
};

/* The rows of an array. */
#define FLAGS(array)                                        \
	(struct flags)                                      \
	{                                                   \
		(array), sizeof(array) / sizeof((array)[0]) \
	}

/*
 * Calls take for each flag of argv[1] and on, in order, until it returns false or "--" ends them.
 * Flags may stand between and behind other words: argv is sorted so that these come last, in their
 * order. Returns the index of the first word that is no flag (argc: all were), or -1 with err:
 * take's, or CODE_USAGE. value is NULL for a flag without one, else a part of argv.
 */
int flags_read(struct flags flags, int argc, char **argv,
	       bool (*take)(void *owner, int letter, const char *value, struct err *err),
	       void *owner, struct err *err);

/* A line for each row, as -h shows them. */
void flags_help(struct flags flags, FILE *out);

#endif
