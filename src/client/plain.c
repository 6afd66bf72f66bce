/* SPDX-License-Identifier: MIT */
/* Tells characters from commands (RFC 3629, ECMA-48). */
#include "client/plain.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Both escape in four characters, "\x9b". */
static size_t escape_bytes(const uint8_t *bytes, unsigned count, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (unsigned i = 0; i < count; i++) {
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = digits[bytes[i] >> 4];
		out[n++] = digits[bytes[i] & 15];
	}
	return n;
}

/* How long the character is that begins with this byte; 0: none does. */
static unsigned utf8_length(uint8_t first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* No overlong forms, no surrogates, nothing beyond U+10FFFF. */
static bool is_continuation(const struct escape *escape, uint8_t byte)
{
	uint8_t low = 0x80, high = 0xbf;

	if (escape->count == 1) {
		low = escape->held[0] == 0xe0 ? 0xa0 : escape->held[0] == 0xf0 ? 0x90 : low;
		high = escape->held[0] == 0xed ? 0x9f : escape->held[0] == 0xf4 ? 0x8f : high;
	}
	return byte >= low && byte <= high;
}

/* The character that is held is whole; U+0080 to U+009F are commands in two bytes. */
static size_t finish_character(struct escape *escape, char *out)
{
	size_t n = escape->count;

	if (escape->held[0] == 0xc2 && escape->held[1] < 0xa0) {
		n = escape_bytes(escape->held, escape->count, out);
	} else {
		memcpy(out, escape->held, n);
	}
	escape->count = 0;
	return n;
}

static size_t start_character(struct escape *escape, uint8_t byte, char *out)
{
	bool is_shown = byte == '\n' || byte == '\t' || (byte >= ' ' && byte < 0x7f);

	if (is_shown) {
		out[0] = (char)byte;
		return 1;
	}
	if (byte != '\r' && utf8_length(byte) == 0)
		return escape_bytes(&byte, 1, out);
	escape->held[0] = byte;
	escape->count = 1;
	return 0;
}

size_t escape_byte(struct escape *escape, uint8_t byte, char *out)
{
	size_t n = 0;

	if (escape->count > 0 && escape->held[0] == '\r' && byte == '\n') {
		escape->count = 0;
		memcpy(out, "\r\n", 2);
		return 2;
	}
	if (escape->count > 0 && escape->held[0] != '\r' && is_continuation(escape, byte)) {
		escape->held[escape->count++] = byte;
		return escape->count == utf8_length(escape->held[0]) ?
			       finish_character(escape, out) :
			       0;
	}
	if (escape->count > 0)
		n = escape_end(escape, out);
	return n + start_character(escape, byte, out + n);
}

size_t escape_end(struct escape *escape, char *out)
{
	size_t n = escape_bytes(escape->held, escape->count, out);

	escape->count = 0;
	return n;
}
