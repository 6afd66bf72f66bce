/* SPDX-License-Identifier: MIT */
/* Frames messages and finds the ends of frames. Must not do any I/O. */
#include "client/framing.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/quote.h"

enum { HEADER_SIZE = 4 };

bool framing_read(const char *text, enum framing *framing, struct err *err)
{
	static const char *const names[] = {
		[FRAMING_RAW] = "raw",
		[FRAMING_LINE] = "line",
		[FRAMING_LENGTH] = "length",
	};
	char shown[QUOTE_TEXT];

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0) {
			*framing = (enum framing)i;
			return true;
		}
	return err_set(err, CODE_USAGE, "--framing %s: is not raw, line or length",
		       quote_show(text, shown));
}

size_t framing_wrap(enum framing framing, const char *message, size_t size, char *out)
{
	uint32_t big_endian = htonl((uint32_t)size);

	switch (framing) {
	case FRAMING_LENGTH:
		memcpy(out, &big_endian, HEADER_SIZE);
		memcpy(out + HEADER_SIZE, message, size);
		return size + HEADER_SIZE;
	case FRAMING_LINE:
		memcpy(out, message, size);
		out[size] = '\n';
		return size + 1;
	case FRAMING_RAW:
		break;
	}
	memcpy(out, message, size);
	return size;
}

static struct piece take_raw(struct frame *frame, size_t n)
{
	uint64_t left = frame->expected - frame->got;
	size_t used = n < left ? n : (size_t)left;

	frame->got += used;
	return (struct piece){ .used = used,
			       .content = used,
			       .is_whole = frame->got == frame->expected };
}

static struct piece take_line(struct frame *frame, const char *bytes, size_t n)
{
	const char *lf = memchr(bytes, '\n', n);
	size_t content = lf ? (size_t)(lf - bytes) : n;

	frame->got += content + (lf != NULL);
	return (struct piece){ .used = content + (lf != NULL),
			       .content = content,
			       .is_whole = lf != NULL };
}

static struct piece take_length(struct frame *frame, const char *bytes, size_t n)
{
	size_t at = 0, content;
	uint64_t left;

	for (; at < n && frame->got < HEADER_SIZE; at++, frame->got++)
		frame->length = frame->length << 8 | (uint8_t)bytes[at];
	if (frame->got < HEADER_SIZE)
		return (struct piece){ .used = at, .content_at = at };
	if (frame->length > FRAMING_LENGTH_MOST)
		return (struct piece){ .is_wrong = true };
	left = HEADER_SIZE + (uint64_t)frame->length - frame->got;
	content = n - at < left ? n - at : (size_t)left;
	frame->got += content;
	return (struct piece){ .used = at + content,
			       .content_at = at,
			       .content = content,
			       .is_whole = content == left };
}

struct piece framing_take(struct frame *frame, const char *bytes, size_t n)
{
	switch (frame->framing) {
	case FRAMING_LINE:
		return take_line(frame, bytes, n);
	case FRAMING_LENGTH:
		return take_length(frame, bytes, n);
	case FRAMING_RAW:
		break;
	}
	return take_raw(frame, n);
}
