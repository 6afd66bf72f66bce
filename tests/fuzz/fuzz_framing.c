/* SPDX-License-Identifier: MIT */
/*
 * The client's framing. The first byte selects the framing and the cuts of the rest into pieces:
 * the pieces must give the same frames and contents as the whole.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/framing.h"

struct found {
	unsigned frames;
	uint64_t content, hash;
	bool is_wrong;
};

/* Takes n bytes; every number of the result must stay within them. */
static void take(struct frame *frame, struct found *found, const uint8_t *bytes, size_t n)
{
	char *copy = malloc(n); /* of that exact size, so that a sanitizer sees a read beyond it */

	memcpy(copy, bytes, n);
	for (size_t at = 0; at < n && !found->is_wrong;) {
		struct piece piece = framing_take(frame, copy + at, n - at);

		found->is_wrong = piece.is_wrong;
		if (piece.is_wrong)
			break;
		if (piece.used == 0 || piece.used > n - at ||
		    piece.content_at + piece.content > piece.used)
			abort();
		for (size_t i = 0; i < piece.content; i++)
			found->hash = found->hash * 31 + (uint8_t)copy[at + piece.content_at + i];
		found->content += piece.content;
		at += piece.used;
		if (!piece.is_whole)
			continue;
		found->frames++;
		*frame = (struct frame){ frame->framing, frame->expected, 0, 0 };
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct found whole = { 0 }, pieces = { 0 };
	struct frame first, second;
	size_t step;

	if (size < 2)
		return 0;
	first = second = (struct frame){ .framing = (enum framing)(data[0] % 3), .expected = 7 };
	step = data[0] / 3 + 1;
	take(&first, &whole, data + 1, size - 1);
	for (size_t at = 1; at < size; at += step)
		take(&second, &pieces, data + at, size - at < step ? size - at : step);
	if (whole.frames != pieces.frames || whole.content != pieces.content ||
	    whole.hash != pieces.hash || whole.is_wrong != pieces.is_wrong)
		abort();
	return 0;
}
