/* SPDX-License-Identifier: MIT */
/* Marks messages and finds them again. Receives nothing itself. */
#include "demo/framer.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

enum { PREFIX = 4 };

size_t framer_mark(bool by_length, const char *const *messages, unsigned count, char *stream)
{
	size_t used = 0;

	for (unsigned i = 0; i < count; i++) {
		size_t n = strlen(messages[i]);
		uint32_t prefix = htonl((uint32_t)n);

		BUG_ON(used + PREFIX + n > FRAMER_STREAM);
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
static size_t find_line(const struct framer *framer, size_t *begins, size_t *length)
{
	const char *end = memchr(framer->pending, '\n', framer->used);

	if (end == NULL)
		return 0;
	*begins = 0;
	*length = (size_t)(end - framer->pending);
	return *length + 1;
}

static size_t find_counted(const struct framer *framer, size_t *begins, size_t *length)
{
	uint32_t prefix;

	if (framer->used < PREFIX)
		return 0;
	memcpy(&prefix, framer->pending, PREFIX);
	*begins = PREFIX;
	*length = ntohl(prefix);
	return framer->used - PREFIX >= *length ? PREFIX + *length : 0;
}

static size_t find(const struct framer *framer, size_t *begins, size_t *length)
{
	return framer->by_length ? find_counted(framer, begins, length) :
				   find_line(framer, begins, length);
}

void framer_feed(struct framer *framer, const char *bytes, size_t n)
{
	size_t taken, begins, length;

	if (n > sizeof(framer->pending) - framer->used)
		n = sizeof(framer->pending) - framer->used;
	memcpy(framer->pending + framer->used, bytes, n);
	framer->used += n;
	while (framer->count < FRAMER_MESSAGES && (taken = find(framer, &begins, &length)) > 0) {
		char *message = framer->whole[framer->count++];

		memcpy(message, framer->pending + begins, length);
		message[length] = '\0';
		framer->used -= taken;
		memmove(framer->pending, framer->pending + taken, framer->used);
	}
}

bool framer_has(const struct framer *framer, const char *const *messages, unsigned count)
{
	bool same = framer->count == count && framer->used == 0;

	for (unsigned i = 0; same && i < count; i++)
		same = strcmp(framer->whole[i], messages[i]) == 0;
	return same;
}
