/* SPDX-License-Identifier: MIT */
/*
 * A part of a field's value, and its grammar: blanks, words, lists (RFC 9110 5.6). Pure. For HTTP
 * services, in a worker.
 */
#ifndef SERVICES_HTTP_HTTP_TEXT_H
#define SERVICES_HTTP_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that belong to the caller; they may hold anything. */
struct http_text {
	const char *at; /* NULL: there is none */
	size_t length;
};

/* Without the blanks and tabs around it. */
struct http_text http_text_trim(struct http_text text);

/* True when it is the word in upper or lower case; wanted must be lower case. */
bool http_text_is(struct http_text text, const char *wanted, size_t length);

#define HTTP_TEXT_IS(text, wanted) http_text_is((text), (wanted), sizeof(wanted) - 1)

/*
 * Takes the next part that is not empty off a list (RFC 9110 5.6.1), trimmed; false when there is
 * none. A separator within a quoted string separates nothing; a string without an end reaches to
 * the end of the list.
 */
bool http_text_next(struct http_text *list, char separator, struct http_text *part);

/*
 * Takes the next word off a line: what blanks and tabs are around. Its length is 0 when there is
 * none.
 */
struct http_text http_text_word(const char **line);

/* The number of three digits, such as a status; 0: the text is none. */
unsigned http_text_status(struct http_text text);

#endif
