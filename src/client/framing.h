/* SPDX-License-Identifier: MIT */
/*
 * How messages are told apart in a stream of bytes, as the service ack does too:
 *   raw     nothing tells them apart
 *   line    a message ends with LF; a CR before it is passed on
 *   length  4 bytes, unsigned, big-endian, then so many
 * Pure; allocates nothing.
 */
#ifndef CLIENT_FRAMING_H
#define CLIENT_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum framing { FRAMING_RAW, FRAMING_LINE, FRAMING_LENGTH };

enum {
	FRAMING_EXTRA = 4,               /* bytes that framing adds to a message, at most */
	FRAMING_LENGTH_MOST = 256 << 20, /* longer frames are taken for no frames */
};

/* "raw", "line" or "length"; false with err (CODE_USAGE). */
bool framing_read(const char *text, enum framing *framing, struct err *err);

/*
 * Writes the framed message of size bytes to out (size + FRAMING_EXTRA bytes); how many those are.
 */
size_t framing_wrap(enum framing framing, const char *message, size_t size, char *out);

/* A frame in the making; zeroed, but for the first two fields, before each. */
struct frame {
	enum framing framing;
	uint64_t expected; /* raw: so many bytes make one; UINT64_MAX: only the peer's end does */
	uint64_t got;      /* bytes of it so far, those of the framing included */
	uint32_t length;   /* length: what the header says */
};

/* What of some bytes belongs to a frame. */
struct piece {
	size_t used;       /* leading bytes that belong to it; the rest to the next one */
	size_t content_at; /* where the message's own bytes begin among these, */
	size_t content;    /* and how many they are (of a line: with its CR, without its LF) */
	bool is_whole, is_wrong; /* the frame ends with them; they cannot be a frame */
};

/* Looks at n more bytes (n > 0) and counts those that belong to the frame. */
struct piece framing_take(struct frame *frame, const char *bytes, size_t n);

#endif
