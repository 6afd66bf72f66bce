/* SPDX-License-Identifier: MIT */
/* Tells characters from commands (RFC 3629, ECMA-48). */
#include "client/plain.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Both escape in four characters, "\x9b". */
static size_t escape(const uint8_t *bytes, unsigned count, char *out)
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
static unsigned length_of(uint8_t first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* No overlong forms, no surrogates, nothing beyond U+10FFFF. */
static bool may_follow(const struct plain *plain, uint8_t byte)
{
	uint8_t low = 0x80, high = 0xbf;

	if (plain->count == 1) {
		low = plain->held[0] == 0xe0 ? 0xa0 : plain->held[0] == 0xf0 ? 0x90 : low;
		high = plain->held[0] == 0xed ? 0x9f : plain->held[0] == 0xf4 ? 0x8f : high;
	}
	return byte >= low && byte <= high;
}

/* The character that is held is whole; U+0080 to U+009F are commands in two bytes. */
static size_t finish(struct plain *plain, char *out)
{
	size_t n = plain->count;

	if (plain->held[0] == 0xc2 && plain->held[1] < 0xa0) {
		n = escape(plain->held, plain->count, out);
	} else {
		memcpy(out, plain->held, n);
	}
	plain->count = 0;
	return n;
}

static size_t begin(struct plain *plain, uint8_t byte, char *out)
{
	bool is_shown = byte == '\n' || byte == '\t' || (byte >= ' ' && byte < 0x7f);

	if (is_shown) {
		out[0] = (char)byte;
		return 1;
	}
	if (byte != '\r' && length_of(byte) == 0)
		return escape(&byte, 1, out);
	plain->held[0] = byte;
	plain->count = 1;
	return 0;
}

size_t plain_take(struct plain *plain, uint8_t byte, char *out)
{
	size_t n = 0;

	if (plain->count > 0 && plain->held[0] == '\r' && byte == '\n') {
		plain->count = 0;
		memcpy(out, "\r\n", 2);
		return 2;
	}
	if (plain->count > 0 && plain->held[0] != '\r' && may_follow(plain, byte)) {
		plain->held[plain->count++] = byte;
		return plain->count == length_of(plain->held[0]) ? finish(plain, out) : 0;
	}
	if (plain->count > 0)
		n = plain_end(plain, out);
	return n + begin(plain, byte, out + n);
}

size_t plain_end(struct plain *plain, char *out)
{
	size_t n = escape(plain->held, plain->count, out);

	plain->count = 0;
	return n;
}
