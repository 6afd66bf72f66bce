/* SPDX-License-Identifier: MIT */
/* Hexadecimal digits. Pure. */
#ifndef CLIENT_BENCH_HEX_H
#define CLIENT_BENCH_HEX_H

/* What the digit stands for; -1 when it is none. */
static inline int hex_digit(char c)
{
	char small = (char)(c | 0x20);

	if (c >= '0' && c <= '9')
		return c - '0';
	return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

#endif
