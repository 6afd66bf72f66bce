/* SPDX-License-Identifier: MIT */
/*
 * The tables as text: as mdoc(7) for the manual pages (the output of prefork-srv -P TABLE is pasted
 * between markers), and the sample configuration. Any process; writes only to `out`.
 */
#ifndef CONFIG_MANUAL_H
#define CONFIG_MANUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Prints the table of that name. Returns false when there is none. */
bool manual_print(const char *table, FILE *out);

/*
 * Writes the names that manual_print knows, "flags, options ... or sample", cut to size. Returns
 * text.
 */
const char *manual_tables(char *text, size_t size);

/*
 * Writes the sample configuration, etc/prefork-srv.conf: every option with its default and its
 * sentence. The file loads as it is. With each "#NAME = VALUE" changed to "NAME = VALUE" it loads
 * to the same configuration.
 */
void manual_sample(FILE *out);

/* Start and end of a list of terms. */
void manual_begin_list(FILE *out);
void manual_end_list(FILE *out);

/* Writes a term: `.It MACRO name`, followed by the value unless it is NULL. */
void manual_term(const char *macro, const char *name, const char *value, FILE *out);

/* Writes plain sentences, filled. */
void manual_text(const char *text, FILE *out);

#endif
