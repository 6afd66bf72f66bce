/* SPDX-License-Identifier: MIT */
/*
 * What is to be sent, a stretch at a time: a message of the command line, or what comes on standard
 * input. Knows no socket. One process.
 */
#ifndef CLIENT_FEED_H
#define CLIENT_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "client/framing.h"

struct input {
	enum framing framing;
	bool is_ended;     /* of standard input: its end was read; there may be a stretch left */
	bool is_at_line;   /* of standard input: a line begins with the next byte */
	uint64_t messages; /* so far; of raw, those of the command line */
	char *bytes;       /* size of them, on the heap */
	size_t size;
	size_t start, end;    /* the stretch that is being sent */
	size_t first, filled; /* length: bytes read that are no message yet */
	size_t searched;      /* of these, from the first on, so many have no end of a line */
};

/* Bytes of the stretch that are still to be sent, and where they are. */
static inline size_t input_left(const struct input *input)
{
	return input->end - input->start;
}

static inline const char *input_head(const struct input *input)
{
	return input->bytes + input->start;
}

/* Starts an empty one; input_free ends it. */
void input_init(struct input *input, enum framing framing);
void input_free(struct input *input);

/* Makes a message the next stretch; nothing must be left of the last one. False with err. */
bool input_set_message(struct input *input, const char *message, struct err *err);

/*
 * Reads once from standard input, which waits when nothing is there, and makes what came the next
 * stretch, if that is enough for one. Nothing must be left of the last one. False with err.
 */
bool input_read(struct input *input, struct err *err);

/* n bytes of the stretch were sent; the next message that was read already may follow. */
void input_consume(struct input *input, size_t n);

/* Nothing of it will be sent. */
void input_discard(struct input *input);

#endif
