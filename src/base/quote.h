/* SPDX-License-Identifier: MIT */
/* A user's text, quoted for a message or for a configuration file. Any process. */
#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H

#include <stddef.h>
#include <stdio.h>

enum { QUOTE_TEXT = 80 }; /* large enough for any result of quote_show */

/*
 * Quotes the text for a message: control characters become "?", and a text that is too long ends in
 * "..." between two UTF-8 characters. out has QUOTE_TEXT bytes. Returns out.
 */
const char *quote_show(const char *text, char *out);

/* Writes the text as a quoted string that the configuration's grammar reads back unchanged. */
void quote_write(const char *text, FILE *out);

/* Writes the text as part of a double-quoted string, without the quotes. */
void quote_write_part(const char *text, size_t length, FILE *out);

/* Writes "a, b or c" to out, cut to size. Returns out. */
const char *quote_list(const char *const *words, size_t count, char *out, size_t size);

#endif
