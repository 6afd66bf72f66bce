/* SPDX-License-Identifier: MIT */
/*
 * ack's framing over a socketpair. The input's first byte selects the framing and the cuts of the
 * rest into sends; there must be as many answers as a plain count of the same bytes finds messages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "unit/served.h"

enum { MAX_MESSAGE = 64 };

/* The plain count for framing line: whole messages up to the first one that is too long. */
static unsigned count_lines(const uint8_t *bytes, size_t size)
{
	unsigned count = 0;

	for (size_t at = 0; at < size; count++) {
		const uint8_t *lf = memchr(bytes + at, '\n', size - at);
		size_t length = (lf ? (size_t)(lf - bytes) : size) - at;

		if (length > 0 && bytes[at + length - 1] == '\r')
			length--;
		if (!lf || length > MAX_MESSAGE)
			break;
		at = (size_t)(lf - bytes) + 1;
	}
	return count;
}

static unsigned count_lengths(const uint8_t *bytes, size_t size)
{
	unsigned count = 0;

	while (size >= 4) {
		size_t length = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 |
				(size_t)bytes[2] << 8 | bytes[3];

		if (length > MAX_MESSAGE || length + 4 > size)
			break;
		bytes += length + 4;
		size -= length + 4;
		count++;
	}
	return count;
}

static size_t ask(struct served *s, const uint8_t *bytes, size_t size, size_t piece)
{
	static char got[1 << 20];
	int client = served_connect(s);
	size_t used = 0;
	bool ended = false;

	for (size_t at = 0; at < size && !ended; at += piece) {
		served_send(s, client, bytes + at, size - at < piece ? size - at : piece);
		used += served_read(s, client, got + used, sizeof(got) - used, &ended);
	}
	shutdown(client, SHUT_WR);
	used += served_read(s, client, got + used, sizeof(got) - used, &ended);
	close(client);
	served_settle(s);
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is_length;
	struct served s;
	size_t got, wanted;

	if (size < 1 || size > 4096)
		return 0;
	is_length = data[0] & 1;
	served_start(&s, "ack", "framing", is_length ? "length" : "line", "reply", "k",
		     "max_message", "64", NULL);
	got = ask(&s, data + 1, size - 1, (size_t)(data[0] >> 1) + 1);
	wanted = is_length ? 5 * count_lengths(data + 1, size - 1) :
			     2 * count_lines(data + 1, size - 1);
	served_stop(&s);
	if (got != wanted) {
		fprintf(stderr, "%zu bytes of answers instead of %zu\n", got, wanted);
		abort();
	}
	return 0;
}
