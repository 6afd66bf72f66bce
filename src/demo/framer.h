/* SPDX-License-Identifier: MIT */
/*
 * The two usual ways to mark messages in a stream of bytes, as small as a lesson can have them:
 * lines, each ended by a newline, and lengths, a number of 4 bytes (network order) before each.
 * Pure functions.
 */
#ifndef DEMO_FRAMER_H
#define DEMO_FRAMER_H

#include <stdbool.h>
#include <stddef.h>

enum { TRANSFER_STREAM = 64, TRANSFER_MESSAGES = 8 };

/* Collects what arrives and makes messages of it; all zero but by_length to begin with. */
struct transfer_decoder {
	bool by_length; /* else by lines */
	char pending[TRANSFER_STREAM];
	size_t used; /* bytes of it: those of a message that is not whole */
	char whole[TRANSFER_MESSAGES][TRANSFER_STREAM];
	unsigned count; /* of the messages */
};

/*
 * Writes the messages, marked, to stream (TRANSFER_STREAM bytes, which must be enough); returns
 * how many bytes.
 */
size_t transfer_encode(bool by_length, const char *const *messages, unsigned count, char *stream);

/* Takes n bytes, however cut. What is more than a decoder has room for is left out. */
void transfer_decode(struct transfer_decoder *decoder, const char *bytes, size_t n);

/* Whether it has made exactly these messages, and nothing is left over. */
bool transfer_decoded(const struct transfer_decoder *decoder, const char *const *messages,
		      unsigned count);

#endif
