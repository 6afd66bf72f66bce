/* SPDX-License-Identifier: MIT */
/*
 * The messages of a bench: the same bytes each time or, with --verify, bytes that differ from those
 * of all other messages, so that the echo of another or an earlier message is found to be wrong.
 * The parent makes them before it forks.
 */
#ifndef CLIENT_BENCH_MESSAGE_H
#define CLIENT_BENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "client/framing.h"

enum { MESSAGE_MAX = 64 << 20, MESSAGE_CHUNK = 64 << 10 };

struct message {
	char *bytes;       /* framed; on the heap */
	size_t size;       /* of them; 0: the client sends no message */
	size_t content_at; /* offset of the content in them, without the framing */
	size_t content;    /* its size */
	bool is_unique;    /* the content is filled in for each message */
	char *chunk;       /* is_unique: room for MESSAGE_CHUNK bytes */
};

/*
 * Frames the text, or `size` bytes of a pattern when text is NULL. Returns false with err
 * (CODE_OSERR). The caller frees it with message_free.
 */
bool message_make(struct message *message, enum framing framing, const char *text, size_t size,
		  bool is_unique, struct err *err);
void message_free(struct message *message);

/*
 * Makes the key of a message from its connection's number and its own. Each key has its own bytes.
 */
static inline uint64_t message_key(uint64_t connection, uint64_t number)
{
	return connection << 40 ^ number;
}

/*
 * Returns the bytes of the message from offset `from` on. *n is the number of them: all that are
 * left, or a chunk. Valid until the next call.
 */
const char *message_bytes(const struct message *message, uint64_t key, size_t from, size_t *n);

/* True when n bytes equal the content from offset `from` on. */
bool message_is_echo(const struct message *message, uint64_t key, uint64_t from, const char *bytes,
		     size_t n);

#endif
