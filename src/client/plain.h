/* SPDX-License-Identifier: MIT */
/*
 * Text that a stranger wrote as a terminal may show it: UTF-8, newlines and tabs pass, all that
 * could command the terminal, and what is no UTF-8, becomes \x.. . Pure; keeps what may become a
 * character.
 */
#ifndef CLIENT_PLAIN_H
#define CLIENT_PLAIN_H

#include <stddef.h>
#include <stdint.h>

struct escape {
	uint8_t held[4]; /* the beginning of a character, or a CR that a LF may follow */
	unsigned count;
};

enum { ESCAPE_MAX = 16 }; /* bytes that come out for one, at most */

/* Takes a byte and writes to out what can be shown by now; how many bytes that are. */
size_t escape_byte(struct escape *escape, uint8_t byte, char *out);

/* Writes what is held, for nothing follows. */
size_t escape_end(struct escape *escape, char *out);

#endif
