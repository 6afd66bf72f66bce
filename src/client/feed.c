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

enum { ROOM = 65536 };

void feed_init(struct feed *feed, enum framing framing)
{
	*feed = (struct feed){ .framing = framing,
			       .is_at_line = true,
			       .first = FRAMING_EXTRA,
			       .filled = FRAMING_EXTRA };
}

void feed_free(struct feed *feed)
{
	free(feed->bytes);
	feed->bytes = NULL;
}

static bool have_room(struct feed *feed, size_t size, struct err *err)
{
	char *more;

	if (size <= feed->size)
		return true;
	more = realloc(feed->bytes, size);
	if (more == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep a message of %zu bytes", size);
	feed->bytes = more;
	feed->size = size;
	return true;
}

bool feed_message(struct feed *feed, const char *message, struct err *err)
{
	size_t length = strlen(message);

	if (!have_room(feed, length + FRAMING_EXTRA, err))
		return false;
	feed->start = 0;
	feed->end = framing_wrap(feed->framing, message, length, feed->bytes);
	feed->messages++;
	return true;
}

/* Reads to bytes + at; *n is 0 at the end, and when there was nothing yet. */
static bool read_input(struct feed *feed, size_t at, size_t *n, struct err *err)
{
	ssize_t got = sys_read(STDIN_FILENO, feed->bytes + at, feed->size - at);

	*n = got > 0 ? (size_t)got : 0;
	if (got == 0)
		feed->is_ended = true;
	if (got >= 0 || errno == EINTR || errno == EAGAIN)
		return true;
	return err_errno(err, CODE_OSERR, "cannot read standard input");
}

/* Bytes pass as they come; a last line without its end gets one. */
static bool read_bytes(struct feed *feed, struct err *err)
{
	size_t n;

	if (!have_room(feed, ROOM, err) || !read_input(feed, 0, &n, err))
		return false;
	feed->start = 0;
	feed->end = n;
	if (feed->framing == FRAMING_RAW)
		return true;
	if (feed->is_ended && !feed->is_at_line)
		feed->bytes[feed->end++] = '\n';
	for (size_t i = 0; i < feed->end; i++)
		feed->messages += feed->bytes[i] == '\n';
	if (feed->end > 0)
		feed->is_at_line = feed->bytes[feed->end - 1] == '\n';
	return true;
}

/* Makes the next line, if there is a whole one, a frame. */
static void frame_line(struct feed *feed)
{
	size_t have = feed->filled - feed->first;
	char *line = feed->bytes + feed->first;
	const char *lf = have > 0 ? memchr(line + feed->searched, '\n', have - feed->searched) :
				    NULL;
	size_t length = lf != NULL ? (size_t)(lf - line) : have;
	uint32_t big_endian;

	feed->searched = have;
	if (lf == NULL && (!feed->is_ended || have == 0))
		return;
	feed->searched = 0;
	feed->start = feed->first - FRAMING_EXTRA;
	feed->end = feed->first + length;
	feed->first += length + (lf != NULL);
	feed->messages++;
	big_endian = htonl((uint32_t)length);
	memcpy(feed->bytes + feed->start, &big_endian, sizeof(big_endian));
}

/* Moves the beginning of a line to the front, with room for its header, and reads on behind it. */
static bool read_lines(struct feed *feed, struct err *err)
{
	size_t have = feed->filled - feed->first, n;

	if (have > FRAMING_LENGTH_MOST)
		return err_set(err, CODE_USAGE, "a line of the input has more than %d bytes",
			       FRAMING_LENGTH_MOST);
	if (have > 0 && feed->first != FRAMING_EXTRA)
		memmove(feed->bytes + FRAMING_EXTRA, feed->bytes + feed->first, have);
	feed->first = FRAMING_EXTRA;
	feed->filled = FRAMING_EXTRA + have;
	if (!have_room(feed, have + FRAMING_EXTRA < ROOM / 2 ? ROOM : 2 * feed->filled, err) ||
	    !read_input(feed, feed->filled, &n, err))
		return false;
	feed->filled += n;
	frame_line(feed);
	return true;
}

bool feed_read(struct feed *feed, struct err *err)
{
	return feed->framing == FRAMING_LENGTH ? read_lines(feed, err) : read_bytes(feed, err);
}

void feed_sent(struct feed *feed, size_t n)
{
	feed->start += n;
	if (feed->start == feed->end && feed->framing == FRAMING_LENGTH && feed->bytes != NULL)
		frame_line(feed);
}

void feed_drop(struct feed *feed)
{
	feed->start = feed->end = 0;
	feed->first = feed->filled = FRAMING_EXTRA;
	feed->searched = 0;
}
