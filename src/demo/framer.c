/* SPDX-License-Identifier: MIT */
/* Marks messages and finds them again. Receives nothing itself. */
#include "demo/framer.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

enum { PREFIX = 4 };

size_t transfer_encode(bool by_length, const char *const *messages, unsigned count, char *stream)
{
	size_t used = 0;

	for (unsigned i = 0; i < count; i++) {
		size_t n = strlen(messages[i]);
		uint32_t prefix = htonl((uint32_t)n);

		BUG_ON(used + PREFIX + n > TRANSFER_STREAM);
		if (by_length) {
			memcpy(stream + used, &prefix, PREFIX);
			used += PREFIX;
		}
		memcpy(stream + used, messages[i], n);
		used += n;
		if (!by_length)
			stream[used++] = '\n';
	}
	return used;
}

/*
 * The message at the front: its place and length. Returns its bytes with the mark, 0 when it is
 * not whole.
 */
static size_t find_line(const struct transfer_decoder *decoder, size_t *begins, size_t *length)
{
	const char *end = memchr(decoder->pending, '\n', decoder->used);

	if (end == NULL)
		return 0;
	*begins = 0;
	*length = (size_t)(end - decoder->pending);
	return *length + 1;
}

static size_t find_counted(const struct transfer_decoder *decoder, size_t *begins, size_t *length)
{
	uint32_t prefix;

	if (decoder->used < PREFIX)
		return 0;
	memcpy(&prefix, decoder->pending, PREFIX);
	*begins = PREFIX;
	*length = ntohl(prefix);
	return decoder->used - PREFIX >= *length ? PREFIX + *length : 0;
}

static size_t find(const struct transfer_decoder *decoder, size_t *begins, size_t *length)
{
	return decoder->by_length ? find_counted(decoder, begins, length) :
				    find_line(decoder, begins, length);
}

void transfer_decode(struct transfer_decoder *decoder, const char *bytes, size_t n)
{
	size_t taken, begins, length;

	if (n > sizeof(decoder->pending) - decoder->used)
		n = sizeof(decoder->pending) - decoder->used;
	memcpy(decoder->pending + decoder->used, bytes, n);
	decoder->used += n;
	while (decoder->count < TRANSFER_MESSAGES &&
	       (taken = find(decoder, &begins, &length)) > 0) {
		char *message = decoder->whole[decoder->count++];

		memcpy(message, decoder->pending + begins, length);
		message[length] = '\0';
		decoder->used -= taken;
		memmove(decoder->pending, decoder->pending + taken, decoder->used);
	}
}

bool transfer_decoded(const struct transfer_decoder *decoder, const char *const *messages,
		      unsigned count)
{
	bool same = decoder->count == count && decoder->used == 0;

	for (unsigned i = 0; same && i < count; i++)
		same = strcmp(decoder->whole[i], messages[i]) == 0;
	return same;
}
