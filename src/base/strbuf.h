/* SPDX-License-Identifier: MIT */
/*
 * Appends text to memory of fixed size, fast and without allocation: for log lines, JSON, HTTP and
 * metrics. Text that does not fit is omitted whole, and is_cut is set. Text from a client or
 * another process goes through an escaping writer, so that it can neither end a string or a line
 * nor send a command to a terminal. Any process.
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct strbuf {
	char *base;
	size_t used, size; /* in bytes; used <= size */
	bool is_cut;       /* text did not fit; later text is omitted too */
};

static inline struct strbuf strbuf_on(char *base, size_t size)
{
	return (struct strbuf){ .base = base, .size = size };
}

/* Appends the bytes unescaped. */
static inline void strbuf_put(struct strbuf *text, const char *bytes, size_t n)
{
	if (text->is_cut || n > text->size - text->used) {
		text->is_cut = true;
		return;
	}
	memcpy(text->base + text->used, bytes, n);
	text->used += n;
}

static inline void strbuf_raw(struct strbuf *text, const char *string)
{
	strbuf_put(text, string, strlen(string));
}

/* Hexadecimal, in small letters, without leading zeros. */
void strbuf_hex(struct strbuf *text, uint64_t value);

/*
 * Decimal numbers. strbuf_grouped writes 1234567 as 1,234,567, and strbuf_micros millionths as
 * 0.000001, without trailing zeros (1.5, 2).
 */
void strbuf_u64(struct strbuf *text, uint64_t value);
void strbuf_grouped(struct strbuf *text, uint64_t value);
void strbuf_i64(struct strbuf *text, int64_t value);
void strbuf_micros(struct strbuf *text, uint64_t millionths);

/*
 * Appends the bytes as a part of a URI: all are escaped as %XX but the unreserved characters and
 * those in `also` (RFC 3986 2.1, 2.3).
 */
void strbuf_uri(struct strbuf *text, const char *bytes, size_t n, const char *also);

/* The escaping of each output format. */
enum strbuf_form {
	STRBUF_LOGFMT, /* \n \" \\ \x.. \u.... ; no quotes around */
	STRBUF_JSON,   /* RFC 8259; wrong UTF-8 becomes \ufffd; no quotes around */
	STRBUF_HTML,   /* &amp; &lt; &gt; &quot; &#39;; controls and wrong UTF-8 become U+FFFD */
	STRBUF_LABEL   /* a Prometheus label: \\ \" \n; the rest as in HTML */
};

/*
 * Appends the characters of string, each whole or not at all, as far as they fit, up to a NUL or
 * `most` bytes. An array that another process writes may lack its NUL.
 */
void strbuf_escaped(struct strbuf *text, enum strbuf_form form, const char *string, size_t most);

/*
 * True when string needs no quotes in a logfmt line: not empty, no blank, quote, = or control
 * character.
 */
bool strbuf_is_bare(const char *string);

#endif
