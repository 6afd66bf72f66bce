/* SPDX-License-Identifier: MIT */
/*
 * The messages of a load: the same bytes each time, or, to be verified, bytes that no other message
 * has, so that an answer that was meant for another one, or for an earlier one, is told apart. One
 * process makes it, before the others are forked.
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
	size_t size;       /* of them; 0: nothing is sent */
	size_t content_at; /* where the message's own bytes begin among them, */
	size_t content;    /* and how many they are */
	bool is_unique;    /* these are filled in for each message */
	char *chunk;       /* differs: room for MESSAGE_CHUNK bytes of one */
};

/*
 * Frames the text, or `size` bytes of a pattern when text is NULL. False with err (CODE_OSERR).
 * message_free ends it.
 */
bool message_make(struct message *message, enum framing framing, const char *text, size_t size,
		  bool is_unique, struct err *err);
void message_free(struct message *message);

/*
 * What tells this message's bytes from those of all others: its connection's number, and its own.
 */
static inline uint64_t message_key(uint64_t connection, uint64_t number)
{
	return connection << 40 ^ number;
}

/*
 * The bytes from `from` on; *n: how many of them lie there, all that are left or a chunk. Good
 * until the next call.
 */
const char *message_bytes(const struct message *message, uint64_t key, size_t from, size_t *n);

/* True when n bytes are those that the message's own bytes have from `from` on. */
bool message_is_echo(const struct message *message, uint64_t key, uint64_t from, const char *bytes,
		     size_t n);

#endif
