/* SPDX-License-Identifier: MIT */
/*
 * Appends text to memory of fixed size, fast and without allocating: for log lines, JSON, HTTP and
 * metrics. What does not fit is left out whole, and is_cut says so from then on. What a client or
 * another process wrote goes through an escaping writer, so that it can neither end a string or a
 * line nor send a terminal a command. Any process.
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *base;
	size_t used, size; /* bytes; used <= size */
	bool is_cut;       /* something did not fit: all that follows is left out */
};

static inline struct text text_on(char *base, size_t size)
{
	return (struct text){ .base = base, .size = size };
}

/* The bytes as they are. */
static inline void text_put(struct text *text, const char *bytes, size_t n)
{
	if (text->is_cut || n > text->size - text->used) {
		text->is_cut = true;
		return;
	}
	memcpy(text->base + text->used, bytes, n);
	text->used += n;
}

static inline void text_raw(struct text *text, const char *string)
{
	text_put(text, string, strlen(string));
}

/* Decimal numbers; text_micros writes millionths as 0.000001, without trailing zeros (1.5, 2). */
void text_u64(struct text *text, uint64_t value);
void text_i64(struct text *text, int64_t value);
void text_micros(struct text *text, uint64_t millionths);

/* How a character that may not stand as it is becomes one that may. */
enum text_form {
	TEXT_LOGFMT, /* \n \" \\ \x.. \u.... ; no quotes around */
	TEXT_JSON,   /* RFC 8259; wrong UTF-8 becomes \ufffd; no quotes around */
	TEXT_HTML, /* &amp; &lt; &gt; &quot; &#39;; control characters and wrong UTF-8 as U+FFFD */
	TEXT_LABEL /* of a Prometheus label: \\ \" \n; all else as for HTML */
};

/*
 * The characters of string, each whole or not at all, as far as they fit and up to a NUL or `most`
 * bytes (an array that another process may have written need not end).
 */
void text_escaped(struct text *text, enum text_form form, const char *string, size_t most);

/*
 * True when string can stand in a logfmt line as it is: not empty, no blank, quote, = or control.
 */
bool text_is_bare(const char *string);

#endif
