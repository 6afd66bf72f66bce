/* SPDX-License-Identifier: MIT */
/*
 * The grammar of a chunked body as a table: for each place in the body, the bytes that may come and
 * the place after each. It keeps no byte of the body.
 *
 *   size [;name[=value]]... CRLF data CRLF ... 0 [;...] CRLF [name:value CRLF]... CRLF
 */
#include "services/http/parse/http_chunked.h"

#include <string.h>

#include "base/hex.h"
#include "services/http/parse/http_request.h"

enum place {
	SIZE_FIRST, /* 0: the start, so a zeroed struct is valid */
	SIZE_MORE,
	BEFORE_SEMICOLON, /* blanks after a size or a value: only an extension may follow */
	NAME_FIRST,
	NAME_MORE,
	AFTER_NAME,
	VALUE_FIRST,
	VALUE_MORE,
	QUOTED,
	QUOTED_PAIR,
	AFTER_QUOTED,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_FIRST,
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	LAST_LF,
	ENDED,
	PLACES
};

/*
 * The table holds classes of bytes beside single bytes; no byte of the table has a class's number.
 */
enum { HEX = 1, TOKEN, BLANK, TEXT };

enum { STEPS = 5 };

static const struct step {
	uint8_t on; /* a class or a byte; 0: no more steps */
	uint8_t to;
} steps[PLACES][STEPS] = {
	[SIZE_FIRST] = { { HEX, SIZE_MORE } },
	[SIZE_MORE] = { { HEX, SIZE_MORE },
			{ '\r', SIZE_LF },
			{ ';', NAME_FIRST },
			{ BLANK, BEFORE_SEMICOLON } },
	[BEFORE_SEMICOLON] = { { BLANK, BEFORE_SEMICOLON }, { ';', NAME_FIRST } },
	[NAME_FIRST] = { { TOKEN, NAME_MORE }, { BLANK, NAME_FIRST } },
	[NAME_MORE] = { { TOKEN, NAME_MORE },
			{ '=', VALUE_FIRST },
			{ ';', NAME_FIRST },
			{ '\r', SIZE_LF },
			{ BLANK, AFTER_NAME } },
	[AFTER_NAME] = { { BLANK, AFTER_NAME }, { '=', VALUE_FIRST }, { ';', NAME_FIRST } },
	[VALUE_FIRST] = { { TOKEN, VALUE_MORE }, { '"', QUOTED }, { BLANK, VALUE_FIRST } },
	[VALUE_MORE] = { { TOKEN, VALUE_MORE },
			 { ';', NAME_FIRST },
			 { '\r', SIZE_LF },
			 { BLANK, BEFORE_SEMICOLON } },
	[QUOTED] = { { '"', AFTER_QUOTED }, { '\\', QUOTED_PAIR }, { TEXT, QUOTED } },
	[QUOTED_PAIR] = { { TEXT, QUOTED } },
	[AFTER_QUOTED] = { { ';', NAME_FIRST }, { '\r', SIZE_LF }, { BLANK, BEFORE_SEMICOLON } },
	[SIZE_LF] = { { '\n', DATA } },
	[DATA_CR] = { { '\r', DATA_LF } },
	[DATA_LF] = { { '\n', SIZE_FIRST } },
	[TRAILER_FIRST] = { { '\r', LAST_LF }, { TOKEN, TRAILER_NAME } },
	[TRAILER_NAME] = { { TOKEN, TRAILER_NAME }, { ':', TRAILER_VALUE } },
	[TRAILER_VALUE] = { { TEXT, TRAILER_VALUE }, { '\r', TRAILER_LF } },
	[TRAILER_LF] = { { '\n', TRAILER_FIRST } },
	[LAST_LF] = { { '\n', ENDED } },
};

static bool is_in(char c, uint8_t class)
{
	switch (class) {
	case HEX:
		return hex_value(c) >= 0;
	case TOKEN:
		return http_is(c, HTTP_TOKEN);
	case BLANK:
		return c == ' ' || c == '\t';
	case TEXT:
		return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
	default:
		return c == (char)class;
	}
}

/* The place after the byte, or PLACES. */
static enum place find_next(enum place at, char c)
{
	for (size_t i = 0; i < STEPS && steps[at][i].on != 0; i++) {
		if (is_in(c, steps[at][i].on))
			return steps[at][i].to;
	}
	return PLACES;
}

static enum http_progress refuse_chunk(struct http_chunked *chunked, unsigned status)
{
	chunked->status = (uint16_t)status;
	return HTTP_WRONG;
}

/* The line with a chunk's size has ended. */
static enum place begin_chunk(struct http_chunked *chunked)
{
	chunked->data += chunked->left;
	return chunked->left > 0 ? DATA : TRAILER_FIRST;
}

/* Takes one byte that is not data. */
static enum http_progress take_frame(struct http_chunked *chunked, char c)
{
	enum place from = chunked->at, to = find_next(from, c);

	if (to == PLACES)
		return refuse_chunk(chunked, 400);
	if (++chunked->frame > HTTP_FRAME_MOST)
		return refuse_chunk(chunked, 413);
	if (to == SIZE_MORE) {
		chunked->left = chunked->left * 16 + (uint32_t)hex_value(c);
		if (chunked->left > HTTP_BODY_MOST - chunked->data)
			return refuse_chunk(chunked, 413);
	}
	if (from == SIZE_LF)
		to = begin_chunk(chunked);
	chunked->at = (uint8_t)to;
	return to == ENDED ? HTTP_WHOLE : HTTP_PART;
}

static size_t skip_data(struct http_chunked *chunked, size_t n)
{
	if (n > chunked->left)
		n = chunked->left;
	chunked->left -= (uint32_t)n;
	if (chunked->left == 0)
		chunked->at = DATA_CR;
	return n;
}

enum http_progress http_chunked_read(struct http_chunked *chunked, const char *bytes, size_t n,
				     size_t *used)
{
	enum http_progress progress = chunked->at == ENDED ? HTTP_WHOLE : HTTP_PART;

	for (*used = 0; *used < n && progress == HTTP_PART;) {
		if (chunked->at == DATA)
			*used += skip_data(chunked, n - *used);
		else
			progress = take_frame(chunked, bytes[(*used)++]);
	}
	return progress;
}

enum http_progress http_chunked_take(struct http_chunked *chunked, struct http_request *request,
				     struct buf *in)
{
	char *body = buf_head(in) + request->head_length;
	size_t n = buf_used(in) - request->head_length, used;
	enum http_progress progress = http_chunked_read(chunked, body, n, &used);

	memmove(body, body + used, n - used);
	in->end -= (uint32_t)used;
	if (progress == HTTP_WHOLE)
		request->content_length = chunked->data + chunked->frame;
	if (progress == HTTP_WRONG) {
		http_parse_refuse(request, chunked->status);
		*chunked = (struct http_chunked){ 0 };
	}
	return progress;
}

bool http_chunked_is_sound(const struct http_chunked *chunked)
{
	bool has_data = chunked->at == DATA;

	return chunked->at < PLACES && chunked->data <= HTTP_BODY_MOST &&
	       chunked->frame <= HTTP_FRAME_MOST &&
	       (has_data ? chunked->left > 0 && chunked->left <= chunked->data :
			   chunked->left <= HTTP_BODY_MOST - chunked->data) &&
	       chunked->status == 0;
}
