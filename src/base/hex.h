/* SPDX-License-Identifier: MIT */
/* Hexadecimal digits, written and read. Pure; any process. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdint.h>

enum hex_letters { HEX_SMALL, HEX_CAPITAL };

/* Writes the last `count` digits of value to `to`, leading zeros among them, without a NUL. */
static inline void hex_write(char *to, unsigned count, uint64_t value, enum hex_letters letters)
{
	static const char digits[][17] = {
		[HEX_SMALL] = "0123456789abcdef",
		[HEX_CAPITAL] = "0123456789ABCDEF",
	};

	for (; count > 0; value >>= 4)
		to[--count] = digits[letters][value & 15];
}

/* Returns the value of a digit, or -1. */
static inline int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
