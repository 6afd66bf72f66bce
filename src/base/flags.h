/* SPDX-License-Identifier: MIT */
/*
 * The flags of a command line as rows: reads them (getopt_long(3)) and shows them. Each program has
 * its table of rows in tables/. Any process, before it starts its work.
 */
#ifndef BASE_FLAGS_H
#define BASE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct flag {
	int letter;                             /* below 32: the flag has only its long form */
	const char *name, *argument, *sentence; /* argument "": the flag takes no value */
};

struct flags {
	const struct flag *rows;
	size_t count;
};

/* The rows of an array, with their count. */
#define FLAGS(array)                                        \
	(struct flags)                                      \
	{                                                   \
		(array), sizeof(array) / sizeof((array)[0]) \
	}

/*
 * Calls take for each flag from argv[1] on, in order, until take returns false or "--" ends the
 * flags. Flags may stand between and behind other words: argv is permuted so that these words come
 * last, in their order. Returns the index of the first word that is no flag (argc when all are
 * flags), or -1 with err, either take's or CODE_USAGE. value is NULL for a flag without one, else
 * points into argv.
 */
int flags_read(struct flags flags, int argc, char **argv,
	       bool (*take)(void *owner, int letter, const char *value, struct err *err),
	       void *owner, struct err *err);

/* Writes one line for each row, as -h shows them. */
void flags_help(struct flags flags, FILE *out);

#endif
