/* SPDX-License-Identifier: MIT */
/* Makes the bytes of messages and compares their echo. Must not send or receive. */
#include "client/bench/message.h"

#include <stdlib.h>
#include <string.h>

/*
 * Makes eight bytes from "0" to "o", a hash of key and place. None of them is special in a framing.
 */
static uint64_t pattern_word(uint64_t key, uint64_t place)
{
	uint64_t mixed = key * UINT64_C(0x9e3779b97f4a7c15) + place;

	mixed = (mixed ^ mixed >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	mixed ^= mixed >> 32;
	return (mixed & UINT64_C(0x3f3f3f3f3f3f3f3f)) + UINT64_C(0x3030303030303030);
}

/* Returns the number of bytes from `from` to the end of its word, at most n. */
static size_t bytes_in_word(uint64_t from, size_t n)
{
	size_t left = 8 - from % 8;

	return n < left ? n : left;
}

static void fill_pattern(uint64_t key, uint64_t from, char *out, size_t n)
{
	while (n > 0) {
		uint64_t word = pattern_word(key, from / 8);
		size_t here = bytes_in_word(from, n);

		memcpy(out, (const char *)&word + from % 8, here);
		out += here;
		from += here;
		n -= here;
	}
}

static bool is_pattern(uint64_t key, uint64_t from, const char *bytes, size_t n)
{
	while (n > 0) {
		uint64_t word = pattern_word(key, from / 8);
		size_t here = bytes_in_word(from, n);

		if (memcmp(bytes, (const char *)&word + from % 8, here) != 0)
			return false;
		bytes += here;
		from += here;
		n -= here;
	}
	return true;
}

bool message_make(struct message *message, enum framing framing, const char *text, size_t size,
		  bool is_unique, struct err *err)
{
	char *content = malloc(size + 1);

	*message = (struct message){ .content = size, .is_unique = is_unique };
	message->bytes = malloc(size + FRAMING_EXTRA + 1);
	if (is_unique)
		message->chunk = malloc(MESSAGE_CHUNK);
	if (content == NULL || message->bytes == NULL || (is_unique && message->chunk == NULL)) {
		free(content);
		message_free(message);
		return err_errno(err, CODE_OSERR, "no memory for a message of %zu bytes", size);
	}
	if (text != NULL)
		memcpy(content, text, size);
	else
		fill_pattern(0, 0, content, size);
	message->content_at = framing == FRAMING_LENGTH ? FRAMING_EXTRA : 0;
	message->size = framing_wrap(framing, content, size, message->bytes);
	free(content);
	return true;
}

void message_free(struct message *message)
{
	free(message->bytes);
	free(message->chunk);
	message->bytes = message->chunk = NULL;
}

const char *message_bytes(const struct message *message, uint64_t key, size_t from, size_t *n)
{
	size_t end = message->content_at + message->content, first, last;

	*n = message->size - from;
	if (!message->is_unique)
		return message->bytes + from;
	if (*n > MESSAGE_CHUNK)
		*n = MESSAGE_CHUNK;
	memcpy(message->chunk, message->bytes + from, *n);
	first = from > message->content_at ? from : message->content_at;
	last = from + *n < end ? from + *n : end;
	if (first < last)
		fill_pattern(key, first - message->content_at, message->chunk + (first - from),
			     last - first);
	return message->chunk;
}

bool message_is_echo(const struct message *message, uint64_t key, uint64_t from, const char *bytes,
		     size_t n)
{
	if (from > message->content || n > message->content - from)
		return false;
	if (message->is_unique)
		return is_pattern(key, from, bytes, n);
	return memcmp(bytes, message->bytes + message->content_at + from, n) == 0;
}
