/* SPDX-License-Identifier: MIT */
/*
 * The framing of messages in a stream of bytes, as in the service ack:
 *   raw     none
 *   line    a message ends with LF; a CR before it is part of it
 *   length  four bytes, unsigned, big-endian, are the length of the message that follows
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
	FRAMING_LENGTH_MOST = 256 << 20, /* a longer frame is an error */
};

/* Reads "raw", "line" or "length". Returns false with err (CODE_USAGE). */
bool framing_read(const char *text, enum framing *framing, struct err *err);

/*
 * Writes the message of `size` bytes with its framing to out, which has room for size +
 * FRAMING_EXTRA bytes. Returns the number of bytes written.
 */
size_t framing_wrap(enum framing framing, const char *message, size_t size, char *out);

/* A frame as far as it was received. Before each, all but the first two fields are zeroed. */
struct frame {
	enum framing framing;
	uint64_t expected; /* raw: bytes of a message; UINT64_MAX: until the peer closes */
	uint64_t got;      /* bytes so far, those of the framing included */
	uint32_t length;   /* framing length: the message's length, from its header */
};

/* The part of some bytes that belongs to a frame. */
struct piece {
	size_t used;             /* leading bytes that belong to it */
	size_t content_at;       /* offset of the content, without the framing, in these, */
	size_t content;          /* and its size (of a line: with CR, without LF) */
	bool is_whole, is_wrong; /* the frame ends here; these bytes cannot be a frame */
};

/* Takes n more bytes (n > 0) and counts those that belong to the frame. */
struct piece framing_take(struct frame *frame, const char *bytes, size_t n);

#endif
