/* SPDX-License-Identifier: MIT */
/*
 * Text for manual pages: escaped, one sentence per line, no line beyond 80 columns. mdoc(7). Any
 * process.
 */
#ifndef CONFIG_MDOC_H
#define CONFIG_MDOC_H

#include <stdio.h>

/* Start and end of a list of terms. */
void mdoc_begin(FILE *out);
void mdoc_end(FILE *out);

/* Writes a term: `.It MACRO name`, followed by the value unless it is NULL. */
void mdoc_term(const char *macro, const char *name, const char *value, FILE *out);

/* Writes plain sentences, filled. */
void mdoc_text(const char *text, FILE *out);

#endif
