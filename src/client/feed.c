/* SPDX-License-Identifier: MIT */
/*
 * Makes the bytes to be sent. Framing line is what lines are already, so only length has to wait
 * for the end of a line: its header is written before it, over bytes that were sent.
 */
#include "client/feed.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

enum { BUFFER_SIZE = 65536 };

void input_init(struct input *input, enum framing framing)
{
	*input = (struct input){ .framing = framing,
				 .is_at_line = true,
				 .first = FRAMING_EXTRA,
				 .filled = FRAMING_EXTRA };
}

void input_free(struct input *input)
{
	free(input->bytes);
	input->bytes = NULL;
}

static bool grow_buffer(struct input *input, size_t size, struct err *err)
{
	char *more;

	if (size <= input->size)
		return true;
	more = realloc(input->bytes, size);
	if (more == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep a message of %zu bytes", size);
	input->bytes = more;
	input->size = size;
	return true;
}

bool input_set_message(struct input *input, const char *message, struct err *err)
{
	size_t length = strlen(message);

	if (!grow_buffer(input, length + FRAMING_EXTRA, err))
		return false;
	input->start = 0;
	input->end = framing_wrap(input->framing, message, length, input->bytes);
	input->messages++;
	return true;
}

/* Reads to bytes + at; *n is 0 at the end, and when there was nothing yet. */
static bool read_input(struct input *input, size_t at, size_t *n, struct err *err)
{
	ssize_t got = sys_read(STDIN_FILENO, input->bytes + at, input->size - at);

	*n = got > 0 ? (size_t)got : 0;
	if (got == 0)
		input->is_ended = true;
	if (got >= 0 || errno == EINTR || errno == EAGAIN)
		return true;
	return err_errno(err, CODE_OSERR, "cannot read standard input");
}

/* Bytes pass as they come; a last line without its end gets one. */
static bool read_bytes(struct input *input, struct err *err)
{
	size_t n;

	if (!grow_buffer(input, BUFFER_SIZE, err) || !read_input(input, 0, &n, err))
		return false;
	input->start = 0;
	input->end = n;
	if (input->framing == FRAMING_RAW)
		return true;
	if (input->is_ended && !input->is_at_line)
		input->bytes[input->end++] = '\n';
	for (size_t i = 0; i < input->end; i++)
		input->messages += input->bytes[i] == '\n';
	if (input->end > 0)
		input->is_at_line = input->bytes[input->end - 1] == '\n';
	return true;
}

/* Makes the next line, if there is a whole one, a frame. */
static void frame_line(struct input *input)
{
	size_t have = input->filled - input->first;
	char *line = input->bytes + input->first;
	const char *lf = have > 0 ? memchr(line + input->searched, '\n', have - input->searched) :
				    NULL;
	size_t length = lf != NULL ? (size_t)(lf - line) : have;
	uint32_t big_endian;

	input->searched = have;
	if (lf == NULL && (!input->is_ended || have == 0))
		return;
	input->searched = 0;
	input->start = input->first - FRAMING_EXTRA;
	input->end = input->first + length;
	input->first += length + (lf != NULL);
	input->messages++;
	big_endian = htonl((uint32_t)length);
	memcpy(input->bytes + input->start, &big_endian, sizeof(big_endian));
}

/* Moves the beginning of a line to the front, with room for its header, and reads on behind it. */
static bool read_lines(struct input *input, struct err *err)
{
	size_t have = input->filled - input->first, n;

	if (have > FRAMING_LENGTH_MOST)
		return err_set(err, CODE_USAGE, "a line of the input has more than %d bytes",
			       FRAMING_LENGTH_MOST);
	if (have > 0 && input->first != FRAMING_EXTRA)
		memmove(input->bytes + FRAMING_EXTRA, input->bytes + input->first, have);
	input->first = FRAMING_EXTRA;
	input->filled = FRAMING_EXTRA + have;
	if (!grow_buffer(input,
			 have + FRAMING_EXTRA < BUFFER_SIZE / 2 ? BUFFER_SIZE : 2 * input->filled,
			 err) ||
	    !read_input(input, input->filled, &n, err))
		return false;
	input->filled += n;
	frame_line(input);
	return true;
}

bool input_read(struct input *input, struct err *err)
{
	return input->framing == FRAMING_LENGTH ? read_lines(input, err) : read_bytes(input, err);
}

void input_consume(struct input *input, size_t n)
{
	input->start += n;
	if (input->start == input->end && input->framing == FRAMING_LENGTH && input->bytes != NULL)
		frame_line(input);
}

void input_discard(struct input *input)
{
	input->start = input->end = 0;
	input->first = input->filled = FRAMING_EXTRA;
	input->searched = 0;
}
