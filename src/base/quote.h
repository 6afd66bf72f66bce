/* SPDX-License-Identifier: MIT */
/* How a text of the user is shown: in a message, and in a configuration file. Any process. */
#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H

#include <stddef.h>
#include <stdio.h>

enum { QUOTE_TEXT = 80 }; /* room for any text that quote_show makes */

/*
 * The text in quotes for a message: control characters become "?", and what is too long ends in
 * "..." between two UTF-8 characters. out: QUOTE_TEXT bytes. Returns out.
 */
const char *quote_show(const char *text, char *out);

/* Writes the text as a quoted string that the configuration's grammar reads back to the same. */
void quote_write(const char *text, FILE *out);

/* Writes text as a part of a string in double quotes, without the quotes. */
void quote_write_part(const char *text, size_t length, FILE *out);

/* Puts "a, b or c" into out, cut to size; returns out. */
const char *quote_list(const char *const *words, size_t count, char *out, size_t size);

#endif
