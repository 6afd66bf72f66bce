/* SPDX-License-Identifier: MIT */
/*
 * Text for manual pages: escaped, a sentence a line, no line beyond 80 columns. mdoc(7). Any
 * process.
 */
#ifndef CONFIG_MDOC_H
#define CONFIG_MDOC_H

#include <stdio.h>

/* Begins and ends a list of terms. */
void mdoc_begin(FILE *out);
void mdoc_end(FILE *out);

/* A term: `.It MACRO name`, with the value after it when that is not NULL. */
void mdoc_term(const char *macro, const char *name, const char *value, FILE *out);

/* Plain sentences, filled. */
void mdoc_text(const char *text, FILE *out);

#endif
